"""Work with downloaded files: in worker threads, and the disk's errors as ours.

Never knows what is written.
"""

from collections.abc import Callable
from typing import TypeVar

from anyio import to_thread

from mp_mcp.errors import NO_SPACE, DiskFullError, StoreError

T = TypeVar("T")


async def on_disk(step: Callable[..., T], *arguments: object) -> T:
    """Run the step in a worker thread. Raises: DiskFullError, StoreError."""
    try:
        return await to_thread.run_sync(step, *arguments)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFullError(
                "The disk is full: the download could not be written.",
                hint="Free some space, then fetch again.",
            ) from error
        raise StoreError(
            f"The download could not be written: {error.strerror}.",
            hint="Check the permissions of the state folder, then fetch again.",
        ) from error
