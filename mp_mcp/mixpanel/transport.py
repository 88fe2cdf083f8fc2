"""The seam between what Mixpanel can be asked and how it is asked.

Never imports an HTTP library: tools load the client for its types, and must not pay for one.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, NamedTuple, Protocol

from mp_mcp.mixpanel.models import Target

Family = Literal["query", "app", "export"]
"""Which of Mixpanel's hosts answers; each has its own limits and timeouts."""

Params = Mapping[str, str | int | None]
"""Parameters by name; None leaves one out."""


Decode = Callable[[bytes], Any]
"""Reads the body of an answer; runs in a worker thread when it is large.

Raises ValueError for what is no JSON.
"""


class Question(NamedTuple):
    """A read that is safe to repeat: parameters in the URL (GET), or as a form (POST)."""

    method: Literal["GET", "POST"]
    family: Family
    path: str
    params: Params


class Transport(Protocol):
    """Asks Mixpanel in the name of one target.

    Every method raises only classes of mp_mcp.errors.
    """

    @property
    def target(self) -> Target:
        """In whose name, and about which project."""

    async def ask(self, question: Question, decode: Decode | None = None) -> Any:
        """The answer as `decode` reads it, by default as JSON."""

    def stream(
        self, family: Family, path: str, params: Params
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The undecoded bytes of a long answer; gzip when Mixpanel compressed it.

        Raises: IncompleteExportError when the answer breaks off, in the middle of the block.
        """

    async def back_off(self, attempt: int) -> None:
        """Wait before repeating something for the `attempt`-th time, counted from 0."""
