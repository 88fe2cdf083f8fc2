"""The flags that every command takes, before or after its words.

Never takes a letter from a command: where a command has a flag of the same name, that one wins.
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import click

from mp_mcp import __version__

Callback = Callable[[click.Context, click.Parameter, Any], None]

FORMATS = ("json", "jsonl", "csv", "table", "plain")


class Flags:
    """What the person wished for, filled in while click parses."""

    def __init__(self) -> None:
        self.format: str | None = None
        self.quiet = False
        self.verbose = False
        self.account: str | None = None
        self.project: str | None = None
        self.workspace: str | None = None
        self.fresh = False


class _Spec(NamedTuple):
    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    choices: tuple[str, ...] = ()


_SPECS = (
    _Spec(("-f", "--format"), "How to print: table on a terminal, json otherwise", choices=FORMATS),
    _Spec(("-q", "--quiet"), "No hints, notices and progress on stderr"),
    _Spec(("-v", "--verbose"), "Say on stderr which server answered, and how fast"),
    _Spec(("-a", "--account"), "Use this stored account", metavar="NAME"),
    _Spec(("-p", "--project"), "Use this Mixpanel project", metavar="ID"),
    _Spec(("--workspace",), "Use this data view of the project", metavar="ID"),
    _Spec(("--fresh",), "Ask Mixpanel again instead of using a cached answer"),
)


def options(taken: Collection[str] = (), *, hidden: bool = True) -> list[click.Parameter]:
    """The flags as click options, without the names that are taken."""
    made: list[click.Parameter] = []
    for spec in _SPECS:
        names = [name for name in spec.names if name not in taken]
        if names:
            made.append(_option(spec, names, hidden=hidden))
    made.append(_eager("--version", "_version", _show_version, "Show the version.", hidden=hidden))
    # Our own: click's looks for translations in the file system at every start.
    made.append(_eager("--help", "_help", _show_help, "Show this help."))
    return made


def _eager(
    name: str, destination: str, callback: Callback, explanation: str, *, hidden: bool = False
) -> click.Option:
    return click.Option(
        [name, destination],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        hidden=hidden,
        callback=callback,
        help=explanation,
    )


def _option(spec: _Spec, names: list[str], *, hidden: bool) -> click.Option:
    attribute = spec.names[-1].removeprefix("--")
    is_flag = not (spec.metavar or spec.choices)
    return click.Option(
        [*names, f"_{attribute}"],
        is_flag=is_flag,
        default=None,
        type=click.Choice(spec.choices)
        if spec.choices
        else click.BOOL
        if is_flag
        else click.STRING,
        metavar=spec.metavar,
        expose_value=False,
        hidden=hidden,
        callback=_keep(attribute),
        help=spec.help,
    )


def _keep(attribute: str) -> Callback:
    def keep(ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value is not None:
            setattr(ctx.obj, attribute, value)

    return keep


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"mp {__version__}")
        ctx.exit()


def _show_help(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        click.echo(ctx.get_help())
        ctx.exit()
