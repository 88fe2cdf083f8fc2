"""The tool inspect_history. Never shows the calls of another project, and never a secret."""

import json
from typing import Annotated

from pydantic import BeforeValidator, Field

from mp_mcp.errors import NotFoundError
from mp_mcp.history import Entry, History, Wanted, moment_of
from mp_mcp.results import Rows
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.params import TextIfAny, none_if_empty

COLUMNS = ("id", "when", "client", "is_own", "tool", "arguments", "outcome", "rows", "seconds")
COLUMNS_OF_ONE = (*COLUMNS, "units", "cached", "message", "job", "program", "complete")
LONGEST_ARGUMENTS = 600

CallIfAny = Annotated[
    Annotated[int, Field(ge=1, le=2**62)] | None,
    BeforeValidator(none_if_empty),
    Flag("--call"),
    Field(description="Only this call, by its id, with its arguments in full"),
]
ClientIfAny = Annotated[
    TextIfAny,
    Flag("--client"),
    Field(description="Only calls of: human, agents, or a part of a client's label"),
]
ToolIfAny = Annotated[
    TextIfAny, Flag("--tool"), Field(description="Only calls of this tool, e.g. query_sql")
]
SinceIfAny = Annotated[
    TextIfAny,
    Flag("--since"),
    Field(description="Only calls since then: 10m, 2h, 3d, or a date or time"),
]
CallLimit = Annotated[
    int, Flag("-l", "--limit"), Field(ge=1, le=200, description="At most this many calls")
]


@tool(essential=True)
async def inspect_history(
    history: History,
    *,
    call: CallIfAny = None,
    client: ClientIfAny = None,
    tool: ToolIfAny = None,
    since: SinceIfAny = None,
    limit: CallLimit = 20,
) -> Rows:
    """Show what the human and other agents did in this project lately, and your own calls.

    Use it to pick up what the human just did: client="human" has their SQL in its arguments, newest
    first. It costs nothing. Not for calls that still run: inspect_jobs shows the fetches.
    Example: client="human", since="1h", limit=5.
    """
    wanted = Wanted(limit, client, tool, moment_of(since), number=call, waits=call is not None)
    found = await history.latest(wanted)
    if call is not None and not found:
        raise NotFoundError(
            f"There is no call {call} in the history of this project.",
            hint="inspect_history without `call` lists the latest.",
        )
    columns = COLUMNS if call is None else COLUMNS_OF_ONE
    rows = [_row(one, history.is_own(one), columns, is_whole=call is not None) for one in found]
    return Rows.of(columns, rows, hint=None if found else "No such calls yet.")


def _row(entry: Entry, is_own: bool, columns: tuple[str, ...], *, is_whole: bool) -> list[object]:
    found = entry.as_dict() | {"is_own": is_own}
    if not is_whole:
        found["arguments"] = _shortened(entry.arguments)
    return [found[column] for column in columns]


def _shortened(arguments: dict[str, object]) -> object:
    """Arguments as they are, or the beginning of their JSON."""
    text = json.dumps(arguments, ensure_ascii=False)
    if len(text) <= LONGEST_ARGUMENTS:
        return arguments
    return f"{text[:LONGEST_ARGUMENTS]}… [cut: `call` shows all]"
