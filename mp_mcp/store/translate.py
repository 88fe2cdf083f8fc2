"""duckdb's errors in our words: the only place that maps them.

Never runs SQL: a hint that needs the catalog gets the names from its caller.
"""

import re
from collections.abc import Collection
from pathlib import Path

import duckdb

from mp_mcp.errors import (
    NO_SPACE,
    DatabaseCorruptError,
    DiskFullError,
    MpError,
    NotReadOnlyError,
    QueryError,
    StoreError,
    TableMissingError,
)
from mp_mcp.store.locks import holder_of, locked_error
from mp_mcp.wording import closest

PROPERTY_HINT = (
    "Properties are columns: \"$browser\". Rare ones: prop('$browser'). "
    "In JSON: properties->>'/$browser'."
)

# In the order of the checks: what the message says weighs more than the class, because duckdb
# raises one class for many causes (IOException for locks, full disks and damage).
_FULL = re.compile(
    r"No space left|Disk quota|File too large|[Ff]ailed to offload data|max_temp_directory_size"
)
_DAMAGED = re.compile(
    r"not a valid DuckDB database file|Corrupt|corrupt|Could not read enough bytes|"
    r"replaying WAL file|WAL (?:does not match|was created|checkpoint)|version number|"
    r"Unsupported Storage Version|checksum"
)
_UNWRITABLE = re.compile(
    r"Read-only file system|Permission denied|Operation not permitted|read-only mode|read only"
)
_MISSING_FILE = re.compile(
    r"No such file or directory|does not exist or is a directory|Is a directory"
)

_HINTS = (
    (re.compile(r"JSON path error"), PROPERTY_HINT),
    (re.compile(r"Python (integer|Conv)"), "DuckDB cannot hold a value in params: pass another."),
    (re.compile(r"Max expression depth"), "Split it into WITH parts; settings are fixed here."),
    (re.compile(r"Could not (convert|cast)|Conversion|cast|type"), "TRY_CAST gives NULL instead."),
    (re.compile(r"GROUP BY"), "Aggregate that column, name it in GROUP BY, or use GROUP BY ALL."),
    (re.compile(r"lambda"), "Write lambda x: x + 1."),
)
_TABLE = re.compile(r"Table with name \"?(?P<name>.+?)\"? does not exist")
_COLUMN = re.compile(r"Referenced column|does not have a column|Referenced table")
_CANDIDATES = re.compile(
    r"(?:Candidate (?:bindings|tables): (?:: )?|Did you mean:? )(?P<names>\"[^\n]*\")"
)
_LINE = re.compile(r"\n\n(?P<line>LINE \d+: [^\n]{0,200})")
_PREFIX = re.compile(r"^(?:[A-Z][A-Za-z]*(?: [A-Z][A-Za-z]*)* Error|TransactionContext Error): ")

_SQL_IS_WRONG = (
    duckdb.ProgrammingError,
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.NotSupportedError,
    duckdb.DependencyException,
    duckdb.SequenceException,
)


def translate(error: duckdb.Error, path: Path, names: Collection[str] = ()) -> MpError:
    """The error of ours that `error` means; `names` are the tables that a query can name."""
    message = str(error)
    if isinstance(error, _SQL_IS_WRONG):
        # First: what SQL says can stand in its message, and look like a full disk.
        return _of_the_sql(error, names)
    if _FULL.search(message):
        return _full(path, _first_line(message))
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryError(
            f"The query ran out of memory: {_first_line(message)}",
            hint="Select fewer columns or rows, or aggregate in steps; max_database_percent and "
            "max_process_gb under [server] in mp.toml are the limits.",
        )
    return _of_the_file(error, path)


def translate_opening(error: duckdb.Error, path: Path) -> MpError:
    """The same for a file that did not open: no SQL of a caller can be the reason."""
    if _FULL.search(str(error)):
        return _full(path, _first_line(str(error)))
    return _of_the_file(error, path)


def _full(path: Path, said: str) -> MpError:
    return DiskFullError(
        f"No space is left for {path.name}: {said}",
        hint="Free space on that disk, then try again; nothing was half written.",
    )


def translate_os(error: OSError, path: Path) -> MpError:
    """The error of ours for a file that was read or written without duckdb."""
    if error.errno in NO_SPACE:
        return _full(path, f"{error.strerror}.")
    return StoreError(
        f"A file for {path.name} cannot be used: {error.filename or error} ({error.strerror}).",
        hint="Check that it exists and its permissions, then try again.",
    )


def _of_the_file(error: duckdb.Error, path: Path) -> MpError:
    message = str(error)
    said = _first_line(message)
    holder = holder_of(error)
    if holder is not None:
        return locked_error(path, holder, write=holder.reads_only, waited_s=0)
    if isinstance(error, duckdb.InterruptException):
        return StoreError("The call was stopped.", hint="Run it again.")
    if isinstance(error, (duckdb.PermissionException, duckdb.HTTPException)):
        return NotReadOnlyError(
            f"SQL cannot reach files or networks here: {said}",
            hint="Files come in through mp load; query_sql returns rows page by page.",
        )
    if "launched in read-only mode" in message:
        return NotReadOnlyError(
            f"This SQL only reads: {said}",
            hint="fetch_events and mp load add rows; SQL selects from them.",
        )
    if isinstance(error, duckdb.SerializationException) or _DAMAGED.search(message):
        return DatabaseCorruptError(f"{path.name} cannot be read: {said}", hint=_repair(path, said))
    if _UNWRITABLE.search(message):
        return StoreError(
            f"{path.name} cannot be written: {said}",
            hint=f"Check the owner and the permissions of {path.parent}.",
        )
    if _MISSING_FILE.search(message):
        return StoreError(
            f"A file of {path.name} is missing: {said}",
            hint=f"Check that {path} is a file and {path.parent} still there, then try again.",
        )
    return StoreError(
        f"DuckDB failed on {path.name}: {said}", hint="Try again; mp server logs may tell more."
    )


def _of_the_sql(error: duckdb.Error, names: Collection[str]) -> MpError:
    message = str(error)
    said = _first_line(message)
    missing = _TABLE.search(message)
    if missing:
        return table_missing(missing["name"], names)
    line = _LINE.search(message)
    if line:
        said = f"{said.rstrip('.')} ({line['line'].strip()})"
    found = _CANDIDATES.search(message)
    if _COLUMN.search(message):
        close = f"Close: {found['names']}. " if found else ""
        return QueryError(
            said,
            hint=f"{close}inspect_schema lists the columns; prop('name') reads rare properties.",
        )
    if found:
        return QueryError(said, hint=f"Did you mean {found['names']}?")
    hint = next((hint for pattern, hint in _HINTS if pattern.search(message)), None)
    return QueryError(said, hint=hint or "Correct the SQL; it is DuckDB's dialect.")


def table_missing(name: str, names: Collection[str]) -> TableMissingError:
    """No such table, with the closest names and the tool that lists them."""
    close = closest(name.lower(), [known.lower() for known in names], 3, 0.5)
    known = {known.lower(): known for known in names}
    suggestion = f"Close: {', '.join(known[match] for match in close)}. " if close else ""
    fetch = "" if names else "Nothing is fetched yet: fetch_events first. "
    return TableMissingError(
        f"There is no table {name}.", hint=f"{suggestion}{fetch}inspect_tables lists the tables."
    )


def is_unwritable(error: duckdb.Error) -> bool:
    """Whether opening failed only because this user may not write there."""
    return isinstance(error, duckdb.IOException) and bool(_UNWRITABLE.search(str(error)))


def is_fatal(error: duckdb.Error) -> bool:
    """Whether the open database is unusable from now on and must be opened anew."""
    return isinstance(error, duckdb.FatalException) or "has been invalidated" in str(error)


def _first_line(message: str) -> str:
    paragraph = message.split("\n", 1)[0].strip()
    return _PREFIX.sub("", paragraph)[:400]


def _repair(path: Path, said: str) -> str:
    if "WAL" in said:
        return (
            f"Copy {path.name} and {path.name}.wal, then move {path}.wal away: the file opens "
            "without its latest writes; fetch or load those again."
        )
    if "version number" in said or "Storage Version" in said:
        return (
            f"A newer DuckDB wrote it: update mp-mcp, or move {path} (with its .wal file) away "
            "and fetch again."
        )
    return f"Move {path} (with its .wal file) away, then put a copy of yours back or fetch again."
