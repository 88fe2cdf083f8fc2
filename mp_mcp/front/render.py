"""A result as json, jsonl, csv, table or plain text on stdout, and its notices on stderr.

Never asks anything. It is the only writer of stdout, always in UTF-8.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mp_mcp.errors import DiskFullError, UsageError
from mp_mcp.front import talk
from mp_mcp.front.flags import Flags
from mp_mcp.front.tool_command import spoken

Result = Mapping[str, Any]

ABOUT_ROWS = (
    *("columns", "types", "rows", "row_count", "truncated", "hint", "project"),
    *("cached_at", "notice", "saved_as", "saved_rows", "not_saved"),
)
"""Fields of a table that every format shows in its own way."""


def show(result: Result, flags: Flags, *, sentence: str | None = None) -> None:
    """Print a result, and say on stderr what its reader should know.

    A `sentence` says it all for people: it stands for the result in a table and in plain text.
    """
    chosen = flags.format or ("table" if sys.stdout.isatty() else "json")
    if sentence is not None and chosen in ("table", "plain"):
        write(sentence + "\n")
    else:
        write(text_of(result, chosen))
    if not flags.quiet:
        _notices(result)


def show_value(result: Result, flags: Flags) -> None:
    """Print the one value of a result. Raises: UsageError when it is not one value."""
    rows = result.get("rows") or []
    if len(rows) != 1 or len(rows[0]) != 1:
        width = len(result.get("columns") or [])
        raise UsageError(
            f"The answer has {len(rows)} rows and {width} columns, not one value.",
            hint="Select one column and one row, or leave out --scalar.",
        )
    value = rows[0][0]
    write((_json(value) if flags.format in ("json", "jsonl") else _raw(value)) + "\n")


def text_of(result: Result, chosen: str) -> str:
    """The whole of stdout in that format."""
    if chosen == "json":
        return (_pretty(result) if sys.stdout.isatty() else _json(result)) + "\n"
    if chosen == "table":
        return _table(result)
    columns, rows = _as_rows(result)
    if chosen == "csv":
        return _csv(columns, rows)
    if chosen == "jsonl":
        names = _distinct(columns)
        records = [dict(zip(names, row, strict=True)) for row in rows]
        return "".join(_json(record) + "\n" for record in records)
    if not _is_table(result):
        rows = [[name, value] for name, value in result.items()]
    return "".join("\t".join(_one_line(cell) for cell in row) + "\n" for row in rows)


def width() -> int | None:
    """Columns of the terminal on stdout; None for a file or a pipe, where nothing may be cut."""
    return talk.terminal_width() if sys.stdout.isatty() else None


def write(text: str) -> None:
    """Put text on stdout. Lone surrogates become \\u escapes, which are valid in JSON strings.

    Raises: BrokenPipeError when its reader wants no more; DiskFullError.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise DiskFullError(
            f"The output cannot be written: {error.strerror}.", hint="Write it somewhere else."
        ) from error


def _notices(result: Result) -> None:
    hint = result.get("hint")
    if result.get("truncated") and not result.get("saved_as"):
        count = len(result.get("rows") or [])
        talk.say(f"showing the first {count} rows; there are more: see --limit")
    if result.get("notice"):
        talk.say(f"notice: {result['notice']}")
    if result.get("cached_at"):
        talk.say(f"cached at {result['cached_at']}; --fresh asks again")
    if hint:
        talk.say(f"hint: {spoken(str(hint))}")


def _is_table(result: Result) -> bool:
    return isinstance(result.get("columns"), list) and isinstance(result.get("rows"), list)


def _as_rows(result: Result) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """A table as it is; anything else as one row."""
    if _is_table(result):
        return result["columns"], result["rows"]
    return list(result), [list(result.values())]


def _distinct(columns: Sequence[str]) -> list[str]:
    """Two columns may share a name, two keys of an object may not."""
    names: list[str] = []
    for column in columns:
        name, number = column, 1
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def _csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    import csv
    import io

    lines = []
    for row in [columns, *rows]:
        text = io.StringIO()
        # This terminator makes csv quote cells with either character.
        csv.writer(text, lineterminator="\r\n").writerow([_raw(cell) for cell in row])
        lines.append(text.getvalue().removesuffix("\r\n") + "\n")
    return "".join(lines)


def _table(result: Result) -> str:
    from mp_mcp.front import table

    room = width()
    if _is_table(result):
        rest = {key: value for key, value in result.items() if key not in ABOUT_ROWS}
        drawn = table.drawn(result["columns"], result["rows"], room) + "\n"
        return (_fields(rest, room) + "\n" if rest else "") + drawn
    return _fields({key: value for key, value in result.items() if key != "hint"}, room)


def _fields(found: Result, width: int | None) -> str:
    """One line per field; a list of objects becomes a table under its name."""
    from mp_mcp.front import table

    wide = max((len(name) for name in found), default=0)
    lines, tables = [], []
    for name, value in found.items():
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            columns = list(dict.fromkeys(key for item in value for key in item))
            rows = [[item.get(column) for column in columns] for item in value]
            tables.append(f"\n{name}\n{table.drawn(columns, rows, width)}")
        else:
            lines.append(f"{name:{wide}}  {table.shown(_in_words(value))}".rstrip())
    return "\n".join([*lines, *tables]) + "\n"


def _in_words(value: Any) -> Any:
    """Lists and objects of single values as text."""
    from mp_mcp.front import table

    if isinstance(value, list):
        return ", ".join(map(table.shown, value))
    if isinstance(value, dict):
        return "; ".join(f"{key}: {table.shown(found)}" for key, found in value.items())
    return value


def _pretty(result: Result) -> str:
    """JSON with one line per field, and one per row."""
    fields = []
    for name, value in result.items():
        if isinstance(value, list) and value and isinstance(value[0], list | dict):
            items = ",\n".join("    " + _json(item) for item in value)
            fields.append(f"  {_json(name)}: [\n{items}\n  ]")
        else:
            fields.append(f"  {_json(name)}: {_json(value)}")
    return "{\n" + ",\n".join(fields) + "\n}" if fields else "{}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _raw(value: Any) -> str:
    """A cell as text: nothing for null, texts as they are, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value)


def _one_line(value: Any) -> str:
    """A cell that cannot break its line or add a column."""
    return _raw(value).replace("\t", " ").replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
