"""One tool as a click command, from its row of the generated table.

Never validates a value (the server does), and never imports a tool.
"""

import json
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import click

from mp_mcp.errors import UsageError
from mp_mcp.front import flags

Run = Callable[[flags.Flags, str, dict[str, Any], bool], None]
"""Run a tool: flags, tool name, arguments, whether one value is wanted."""

OUTPUT_NOTE = "Also: -f/--format, -q, -v, -a/--account, -p/--project, --fresh; see `mp --help`."


class Extra(NamedTuple):
    """A flag that only `mp` has: its value is read from a file and `fills` an argument, or it asks
    for one bare value when it fills nothing.
    """

    names: tuple[str, ...]
    help: str
    fills: str | None = None


EXTRAS: Mapping[str, tuple[Extra, ...]] = {
    "query_sql": (
        Extra(("-F", "--file"), "Read the SQL from this file", fills="sql"),
        Extra(("-s", "--scalar"), "Print the one value of the answer, nothing else"),
    ),
    "query_jql": (Extra(("FILE",), "Read the script from this file", fills="script"),),
}


@cache
def table() -> dict[str, Any]:
    """The tools, by name, as `python -m mp_mcp.front.generate` wrote them."""
    path = Path(__file__).with_name("command_table.json")
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def spoken(text: str) -> str:
    """A hint for people: tools are named as their commands."""
    words = text.split(" ")
    for place, word in enumerate(words):
        name = word.strip(".,:;()`")
        if "_" in name and name in table():
            command = "`mp " + " ".join(table()[name]["words"]) + "`"
            words[place] = word.replace("`", "").replace(name, command)
    return " ".join(words)


class Leaf(click.Command):
    """A command whose arguments are explained in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Arguments first, then options."""
        rows = [
            (param.make_metavar(ctx), param.explanation)
            for param in self.params
            if isinstance(param, Placed)
        ]
        if rows:
            with formatter.section("Arguments"):
                formatter.write_dl(rows)
        super().format_options(ctx, formatter)


class Placed(click.Argument):
    """A positional argument with an explanation."""

    def __init__(self, name: str, explanation: str, **more: Any) -> None:
        super().__init__([name], **more)
        self.explanation = explanation


def tool_command(name: str, run: Run) -> click.Command:
    """A tool as a command."""
    row = table()[name]
    extras = EXTRAS.get(name, ())
    filled = {extra.fills for extra in extras}
    own = [_parameter(found, required=found["name"] not in filled) for found in row["parameters"]]
    own += [_extra(extra) for extra in extras]
    taken = {spelling for param in own for spelling in param.opts}

    def invoke(**values: Any) -> None:
        flagged: flags.Flags = click.get_current_context().obj
        wants_one = _fill(extras, values)
        arguments = {key: value for key, value in values.items() if value not in (None, ())}
        _pair(row["parameters"], arguments)
        missing = [p for p in row["parameters"] if p["required"] and p["name"] not in arguments]
        if missing:
            raise UsageError(
                f"Missing argument {_spelling(missing[0])}.",
                hint=f"{_ways(extras)}See `mp {' '.join(row['words'])} --help`.",
            )
        _confirm(row, arguments)
        run(flagged, name, arguments, wants_one)

    return Leaf(
        row["words"][-1],
        callback=invoke,
        params=[*own, *flags.options(taken)],
        help=row["help"],
        epilog=OUTPUT_NOTE,
        add_help_option=False,
    )


def _parameter(found: Mapping[str, Any], *, required: bool) -> click.Parameter:
    kind = found["kind"]
    types: dict[str, Any] = {"int": click.INT, "float": click.FLOAT, "path": _absolute}
    needed = found["required"] and required
    if "argument" in found:
        return Placed(
            found["name"],
            _help(found),
            required=needed,
            nargs=-1 if found.get("many") else 1,
            metavar=found["argument"] if needed else f"[{found['argument']}]",
            type=types.get(kind, click.STRING),
        )
    return click.Option(
        [*found["flags"], found["name"]],
        required=needed,
        is_flag=kind == "bool",
        multiple=kind == "pairs",
        default=None,
        type=click.BOOL if kind == "bool" else types.get(kind, click.STRING),
        metavar=_metavar(found),
        help=_help(found),
    )


def _extra(extra: Extra) -> click.Parameter:
    name = extra.names[-1].lstrip("-").lower() if extra.fills else "scalar"
    if not extra.names[0].startswith("-"):
        return Placed(name, extra.help, required=False, metavar=f"[{extra.names[0]}]")
    return click.Option(
        [*extra.names, name],
        is_flag=extra.fills is None,
        default=None,
        type=click.STRING if extra.fills else click.BOOL,
        metavar="FILE" if extra.fills else None,
        help=extra.help,
    )


def _ways(extras: tuple[Extra, ...]) -> str:
    names = [extra.names[-1] for extra in extras if extra.fills]
    ways = [f"{name} FILE" if name.startswith("-") else "a FILE" for name in names]
    return f"Pass it, or - to read it from stdin, or {ways[0]}. " if ways else ""


def _fill(extras: tuple[Extra, ...], values: dict[str, Any]) -> bool:
    """Put what `mp` itself reads into the arguments; True when one bare value is wanted."""
    wants_one = False
    for extra in extras:
        if extra.fills is None:
            wants_one = bool(values.pop("scalar"))
            continue
        path = values.pop(extra.names[-1].lstrip("-").lower())
        if path is not None and values.get(extra.fills) is not None:
            raise UsageError(f"Give {extra.fills} or a file, not both.", hint="Leave one out.")
        if path is not None:
            values[extra.fills] = _read(path)
        elif values.get(extra.fills) == "-":
            values[extra.fills] = sys.stdin.read()
    return wants_one


def _confirm(row: Mapping[str, Any], arguments: dict[str, Any]) -> None:
    """Ask the person at a terminal what an agent has to confirm by an argument."""
    needs = any(found["name"] == "confirm" for found in row["parameters"])
    if needs and "confirm" not in arguments and sys.stdin.isatty():
        named = [text for value in arguments.values() for text in _texts(value)]
        click.confirm(f"{' '.join([*row['words'], *named])}?", abort=True, err=True)
        arguments["confirm"] = True


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, tuple) else [str(value)]


def _pair(parameters: list[dict[str, Any]], arguments: dict[str, Any]) -> None:
    """`-P a=1 -P b=2` as one object."""
    for found in parameters:
        if found["kind"] == "pairs" and found["name"] in arguments:
            pairs = [text.partition("=") for text in arguments[found["name"]]]
            if any(not equals for _, equals, _ in pairs):
                raise UsageError(f"{_spelling(found)} takes KEY=VALUE.", hint="Add the = sign.")
            arguments[found["name"]] = {key: value for key, _, value in pairs}


def _read(path: str) -> str:
    if path == "-":
        return sys.stdin.read()
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"{path} cannot be read: {reason}.", hint="Check the path.") from error


def _absolute(path: str) -> str:
    """As the server needs it, because its folder is not ours."""
    return str(Path(path).expanduser().absolute())


def _help(found: Mapping[str, Any]) -> str:
    notes = []
    if found.get("default") not in (None, [], False):
        notes.append(f"default {found['default']}")
    if "range" in found:
        notes.append(found["range"])
    return str(found["help"]) + (f"  [{'; '.join(notes)}]" if notes else "")


def _metavar(found: Mapping[str, Any]) -> str | None:
    if found["kind"] == "bool":
        return None
    if "choices" in found:
        return "[" + "|".join(found["choices"]) + "]"
    names = {"int": "N", "float": "N", "day": "YYYY-MM-DD", "list": "A,B", "pairs": "K=V"}
    return names.get(str(found["kind"]), "TEXT")


def _spelling(found: Mapping[str, Any]) -> str:
    return str(found.get("argument") or " / ".join(found["flags"]))
