"""The messages of one client, read when the protocol asks for the next.

Never reads ahead, and never hands a message from task to task: each call would pay for that.
"""

from collections.abc import AsyncIterator
from typing import Any, Generic, TypeVar

import anyio

T = TypeVar("T")


class Incoming(Generic[T]):
    """Items as a stream that the SDK reads (its `ReadStream`), a `first` one before the others."""

    def __init__(self, items: AsyncIterator[T], first: T | None = None) -> None:
        self._items = items
        self._first = first

    def __aiter__(self) -> "Incoming[T]":
        return self

    async def __anext__(self) -> T:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        return await anext(self._items)

    async def receive(self) -> T:
        """The next one. Raises: anyio.EndOfStream."""
        try:
            return await anext(self)
        except StopAsyncIteration:
            raise anyio.EndOfStream from None

    async def aclose(self) -> None:
        """Whoever reads has enough; the connection ends apart."""

    async def __aenter__(self) -> "Incoming[T]":
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.aclose()
