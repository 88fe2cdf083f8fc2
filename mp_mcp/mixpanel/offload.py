"""Work on large bytes goes to a worker thread, so that other clients do not wait for it.

Never decides what the work is, and never pays for a thread where the work is short.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LARGE = 200_000
"""Bytes from which JSON or zlib take longer than a small call may wait."""


async def in_thread_if_large(work: Callable[[bytes], T], material: bytes) -> T:
    """The result of the work."""
    return await asyncio.to_thread(work, material) if len(material) > LARGE else work(material)
