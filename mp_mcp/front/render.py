"""A result as json, jsonl, csv, table or plain text on stdout, and its notices on stderr.

Never asks anything. It is the only writer of stdout, always in UTF-8.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mp_mcp.errors import DiskFullError, UsageError
from mp_mcp.front import screen, talk
from mp_mcp.front.flags import Flags
from mp_mcp.front.screen import FILE, Screen
from mp_mcp.front.tool_command import spoken

Result = Mapping[str, Any]

FOR_PEOPLE = ("table", "plain")


def show(result: Result, flags: Flags, *, sentence: str | None = None) -> None:
    """Print a result, and say on stderr what its reader should know.

    A `sentence` says it all for people: it stands for the result in a table and in plain text.
    """
    seen = screen.here()
    chosen = _format(flags, seen)
    if flags.jq is not None:
        from mp_mcp.front.jq_filter import compiled

        text = "".join(f"{_output(found, flags)}\n" for found in compiled(flags.jq)(result))
    elif sentence is not None and chosen in FOR_PEOPLE:
        text = sentence + "\n"
    else:
        text = text_of(result, chosen, seen, flags.chart)
    if seen.is_terminal:
        text = visible(text, chosen)
    if not _paged(text, flags, seen):
        write(text)
    if not flags.quiet:
        _notices(result)


def show_text(text: str, flags: Flags) -> None:
    """Print a text of our own, in pages where it is long."""
    if not _paged(text, flags, screen.here()):
        write(text)


def _format(flags: Flags, seen: Screen) -> str:
    if flags.jq is not None:
        return "json"
    wants_people = seen.is_terminal or flags.chart is True
    return flags.format or ("table" if wants_people else "json")


def _output(found: Any, flags: Flags) -> str:
    """An output of jq: texts as they are, unless JSON was asked for by name."""
    return _json(found) if flags.format in ("json", "jsonl") else _raw(found)


def _paged(text: str, flags: Flags, seen: Screen) -> bool:
    if flags.no_pager or seen.height is None or text.count("\n") < seen.height:
        return False
    from mp_mcp.front.pager import page

    sys.stdout.flush()
    return page(text)


def visible(text: str, chosen: str) -> str:
    """The text without what a terminal would obey; lines, tabs and our own colours stay."""
    if chosen == "table":
        return text  # its cells are printable already
    lines = text.split("\n")
    escape = _json_escape if chosen in ("json", "jsonl") else talk.escape
    return "\n".join(
        line
        if line.isprintable()
        else "".join(c if c == "\t" or talk.is_printable(c) else escape(c) for c in line)
        for line in lines
    )


def _json_escape(character: str) -> str:
    return json.dumps(character)[1:-1]


def show_value(result: Result, flags: Flags) -> None:
    """Print the one value of a result. Raises: UsageError when it is not one value."""
    rows = result.get("rows") or []
    if len(rows) != 1 or len(rows[0]) != 1:
        width = len(result.get("columns") or [])
        raise UsageError(
            f"The answer has {len(rows)} rows and {width} columns, not one value.",
            hint="Select one column and one row, or leave out --scalar.",
        )
    value, as_json = rows[0][0], flags.format in ("json", "jsonl")
    text = (_json(value) if as_json else _raw(value)) + "\n"
    write(visible(text, "json" if as_json else "plain") if screen.here().is_terminal else text)


def text_of(
    result: Result, chosen: str, seen: Screen = FILE, chart: bool | str | None = None
) -> str:
    """The whole of stdout in that format. `chart` is whether one is wanted, None if it may be."""
    if chosen == "json":
        return (_pretty(result) if seen.is_terminal else _json(result)) + "\n"
    if chosen == "table":
        from mp_mcp.front.view import view

        return view(result, seen, chart if isinstance(chart, bool) else None)
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
