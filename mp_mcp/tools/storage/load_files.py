"""The tool load_files (`mp load`). Never moves or changes the user's files."""

import os
import shutil
from pathlib import Path
from typing import Annotated

import anyio.to_thread
from pydantic import Field

from mp_mcp.errors import NO_SPACE, DiskFullError, IncompleteExportError, UsageError
from mp_mcp.progress import Progress
from mp_mcp.results import Result
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.models import LoadReport
from mp_mcp.tool import TABLE_NAME, Flag, tool

Files = Annotated[
    tuple[str, ...],
    Flag(argument="FILE..."),
    Field(min_length=1, description="Export files: .ndjson, .jsonl or .json, also with .gz"),
]
TableOption = Annotated[
    str,
    Flag("--table"),
    Field(pattern=TABLE_NAME, description="Table to load into"),
]

ENDINGS = (".ndjson", ".jsonl", ".json", ".txt")


class Loaded(Result, LoadReport):
    """What a load did."""

    table: str
    hint: str | None = None


@tool(command="load", human_only=True)
async def load_files(
    store: StoreWriter, progress: Progress, files: Files, *, table: TableOption = "events"
) -> Loaded:
    """Load Mixpanel export files that you already have into a local table.

    Rows that the table has already are not added twice; rows without $insert_id cannot be told
    apart and are added again. The files stay as they are.
    """
    paths = [_checked(name) for name in files]
    await store.ready()
    async with store.spool() as folder:
        linked = [
            await anyio.to_thread.run_sync(_borrow, path, folder, number)
            for number, path in enumerate(paths)
        ]
        await progress(0, None, f"loading {len(paths)} files")
        try:
            report = await store.load_events(table, linked, days=None)
        except IncompleteExportError as error:
            raise UsageError(
                f"{', '.join(files)}: a file is damaged or was cut off; nothing was loaded.",
                hint="Unpack it to see how far it goes, or download it again.",
            ) from error
    told = []
    if report.malformed:
        told.append(
            f"{report.malformed} lines are no events; they are kept in {report.reject_file}."
        )
    if report.repaired:
        told.append(f"{report.repaired} rows had broken characters: U+FFFD stands for them now.")
    return Loaded(table=table, hint=" ".join(told) or None, **report.model_dump())


def _checked(name: str) -> Path:
    path = Path(name)
    # A link is judged by what it leads to: our own database must never be opened as a file.
    plain = path.resolve().name.removesuffix(".gz")
    if not plain.endswith(ENDINGS):
        raise UsageError(
            f"{path.name} has no ending that tells what it is.",
            hint=f"Known endings: {', '.join(ENDINGS)}, each also with .gz.",
        )
    if not path.is_file():
        raise UsageError(f"There is no file {name}.", hint="Check the path.")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{name} cannot be read.", hint="Check its permissions.")
    return path


def _borrow(path: Path, folder: Path, number: int) -> Path:
    """Bring the file where the database may read: a hard link, or a copy across devices."""
    # A name of ours: the user's may be too long, or look like a pattern to duckdb.
    target = folder / f"{number}.ndjson{'.gz' if path.name.endswith('.gz') else ''}"
    try:
        os.link(path.resolve(), target)
    except OSError:
        _copy(path, target)
    return target


def _copy(path: Path, target: Path) -> None:
    try:
        shutil.copyfile(path, target)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFullError(
                f"The disk is full: {path} could not be copied into the state folder.",
                hint="Free some space there, then load it again; nothing was half written.",
            ) from error
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", hint="Check the file and its permissions."
        ) from error
