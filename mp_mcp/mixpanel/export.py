"""The raw export: which windows to ask for, and the bytes of one window into a file.

Never parses events: bytes reach the disk as they came, and duckdb reads them there. What Python
does look at is the ending. A worker thread inflates gzip beside writing it and keeps the last
64 KB of content: about 0.12 s per 100 MB of events (1 s per 100 MB of gzip), outside the event
loop and without the interpreter lock. For that price the checksum proves that the stream is whole,
and a `terminated early` trailer is seen before the window is called complete; a trailer deeper
inside is the loader's to find, with `is_trailer`.
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from anyio import CancelScope, to_thread

from mp_mcp.errors import NO_SPACE, DiskFullError, IncompleteExportError, StoreError
from mp_mcp.mixpanel.expressions import json_list
from mp_mcp.mixpanel.models import ExportedFile, Window
from mp_mcp.mixpanel.spool_file import SpoolFile, is_trailer
from mp_mcp.mixpanel.transport import Transport

__all__ = ["TRIES", "export_window", "is_trailer"]

T = TypeVar("T")

TRIES = 3
WRITTEN_AT_ONCE = 1 << 20
"""Bytes per visit to a worker thread: few visits, each short, and little memory per window."""


async def export_window(
    http: Transport,
    folder: Path,
    window: Window,
    *,
    events: tuple[str, ...],
    where: str | None,
    on_bytes: Callable[[int], None],
) -> ExportedFile:
    """Download one window into `folder`; a broken download starts again from zero.

    `on_bytes` hears how many bytes came in, each time some did; a repeated download counts again.
    Raises: IncompleteExportError when it ended early every time; nothing of it is kept then.
    """
    attempt = 0
    while True:
        try:
            return await _download(http, folder, window, events, where, on_bytes)
        except IncompleteExportError as error:
            attempt += 1
            if attempt == TRIES:
                raise IncompleteExportError(
                    f"The export of {window} broke off {TRIES} times. {error.message}",
                    hint="Nothing of it was kept. Try again later, or with fewer days or events.",
                ) from error
        await http.back_off(attempt - 1)


async def _download(
    http: Transport,
    folder: Path,
    window: Window,
    events: tuple[str, ...],
    where: str | None,
    on_bytes: Callable[[int], None],
) -> ExportedFile:
    params = {
        "from_date": window.first.isoformat(),
        "to_date": window.last.isoformat(),
        "event": json_list(events) if events else None,
        "where": where,
    }
    async with http.stream("export", "/export", params) as pieces:
        file = await _on_disk(SpoolFile, folder, f"events-{window.first}-{window.last}")
        try:
            await _write(pieces, file, on_bytes)
            path = await _on_disk(file.keep)
        finally:
            with CancelScope(shield=True):
                await _on_disk(file.discard)
    return ExportedFile(path, file.size, window)


async def _write(
    pieces: AsyncIterator[bytes], file: SpoolFile, on_bytes: Callable[[int], None]
) -> None:
    waiting = bytearray()
    async for piece in pieces:
        on_bytes(len(piece))
        waiting += piece
        if len(waiting) >= WRITTEN_AT_ONCE:
            await _on_disk(file.write, bytes(waiting))
            waiting.clear()
    await _on_disk(file.write, bytes(waiting))


async def _on_disk(step: Callable[..., T], *arguments: object) -> T:
    try:
        return await to_thread.run_sync(step, *arguments)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFullError(
                "The disk is full: the export could not be written.",
                hint="Free some space, then fetch again.",
            ) from error
        raise StoreError(
            f"The export could not be written: {error.strerror}.",
            hint="Check the permissions of the state folder, then fetch again.",
        ) from error
