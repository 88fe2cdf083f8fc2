"""Copies out of the database into files of the spool: an answer as a file, or the whole database.

Never writes outside the spool, and leaves nothing there when it fails or nobody waits any more.
"""

# Names and literals are quoted by exact.py.
# ruff: noqa: S608

import contextlib
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from uuid import uuid4

import duckdb

from mp_mcp.errors import DiskFullError, NotReadOnlyError, QueryError
from mp_mcp.store.database import Cursor
from mp_mcp.store.exact import identifier, literal
from mp_mcp.store.guard import Checked
from mp_mcp.store.large import drop_leftovers
from mp_mcp.store.models import Format, SpooledFile
from mp_mcp.store.portable import for_json, for_parquet

PREFIX = "export-"
FORGOTTEN_AFTER_S = 3600.0
"""A file that its client did not take away, because it was killed, is removed after so long."""

_being_written: set[Path] = set()
"""Folders of copies under way: a clock that jumps must not make them look forgotten."""

_OPTIONS: Mapping[Format, str] = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    "csv": "FORMAT csv, HEADER true",
    "csv.gz": "FORMAT csv, HEADER true, COMPRESSION gzip",
    "jsonl": "FORMAT json",
    "jsonl.gz": "FORMAT json, COMPRESSION gzip",
}

_TOO_LONG = re.compile(r"Could not cast value (?P<number>-?\d{39,}) to DECIMAL\(38,0\)")
"""What duckdb says of a number for which PARQUET_INTEGER is too short."""


async def spooled(
    spool: Path,
    name: str,
    run: Callable[[Callable[[Cursor], int | None]], Awaitable[int | None]],
    copy: Callable[[Cursor, Path], int | None],
) -> SpooledFile:
    """`copy` into a fresh folder of the spool, by way of `run`, which gives it a cursor."""
    folder = _make_folder(spool)
    _being_written.add(folder)
    left = threading.Event()

    def work(cursor: Cursor) -> int | None:
        try:
            rows = copy(cursor, folder / name)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if left.is_set():
            shutil.rmtree(folder, ignore_errors=True)
        return rows

    try:
        rows = await run(work)
    except BaseException:
        # The thread may be at it still: then it finds that its caller has left.
        left.set()
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        _being_written.discard(folder)
    path = folder / name
    return SpooledFile(path=str(path), bytes=path.stat().st_size, rows=rows)


def copy_answer(cursor: Cursor, checked: Checked, path: Path, form: Format) -> int:
    """Write the answer of a judged SELECT; the number of its rows."""
    if checked.explains:
        raise NotReadOnlyError("An EXPLAIN cannot be exported.", hint="Send the SELECT itself.")
    select = f"{checked.sql}\n"
    if form not in ("csv", "csv.gz"):
        select = _exactly(cursor, select, form)
    try:
        rows = cursor.execute(
            f"COPY ({select}) TO {literal(str(path))} ({_OPTIONS[form]})"
        ).fetchall()
    except duckdb.ConversionException as error:
        long = _TOO_LONG.search(str(error)) if form == "parquet" else None
        if long is None:
            raise
        raise QueryError(
            f"The number {long['number']} has more than 38 digits: parquet cannot hold it.",
            hint="Select it as text, column::VARCHAR, or write .csv or .jsonl.",
        ) from error
    return int(rows[0][0])


def _exactly(cursor: Cursor, select: str, form: Format) -> str:
    """The SELECT with columns replaced that the format would round or could not hold."""
    description = cursor.execute(f"FROM ({select}) LIMIT 0").description or ()
    swap = for_parquet if form == "parquet" else for_json
    changed = [swap(f"#{place + 1}", str(column[1])) for place, column in enumerate(description)]
    if not any(changed):
        return select
    picked = ", ".join(
        f"{change or f'#{place + 1}'} AS {identifier(str(column[0]))}"
        for place, (change, column) in enumerate(zip(changed, description, strict=True))
    )
    return f"SELECT {picked} FROM ({select})"


def copy_database(cursor: Cursor, path: Path) -> None:
    """Write the last committed state of the whole database as a file that duckdb opens."""
    name = f"mp_copy_{uuid4().hex[:12]}"
    here = str(cursor.execute("SELECT current_database()").fetchall()[0][0])
    # For writing even where a foreign reader keeps ours read-only; the version as for our own
    # files: DuckDB 1.5 can open it, too.
    options = "READ_WRITE, STORAGE_VERSION 'v1.5.0'"
    cursor.execute(f"ATTACH {literal(str(path))} AS {name} ({options})")
    try:
        cursor.execute(f"COPY FROM DATABASE {identifier(here)} TO {name}")
        drop_leftovers(cursor, name)
        cursor.execute(f"CHECKPOINT {name}")
    finally:
        _detach(cursor, name)


def _detach(cursor: Cursor, name: str) -> None:
    """Let go of the copy, whatever interrupts it: that is repeated until this thread ends."""
    with contextlib.suppress(duckdb.Error):
        cursor.execute("ROLLBACK")
    while True:
        try:
            cursor.execute(f"DETACH DATABASE IF EXISTS {name}")
        except duckdb.InterruptException:
            continue
        return


def _make_folder(spool: Path) -> Path:
    try:
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_forgotten(spool)
        return Path(tempfile.mkdtemp(prefix=PREFIX, dir=spool))
    except OSError as error:
        raise DiskFullError(
            f"The spool folder {spool} cannot be used: {error.strerror}.",
            hint="Free space there, or make it writable.",
        ) from error


def _remove_forgotten(spool: Path) -> None:
    oldest = time.time() - FORGOTTEN_AFTER_S
    for folder in set(spool.glob(f"{PREFIX}*")) - _being_written:
        with contextlib.suppress(OSError):
            if max(entry.stat().st_mtime for entry in (folder, *folder.iterdir())) < oldest:
                shutil.rmtree(folder, ignore_errors=True)
