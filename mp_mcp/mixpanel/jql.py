"""`POST query/jql`: scripts in JavaScript, which Mixpanel is removing.

Never keeps an answer: a script may read the clock.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import read
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.jql_refusals import PATH
from mp_mcp.results import Row, Rows

DEPRECATED = "JQL is deprecated and Mixpanel is removing it: use fetch_events once, then query_sql."

_RESULTS = TypeAdapter(list[Any])


async def jql(mixpanel: Mixpanel, script: str, params: Mapping[str, Any] | None = None) -> Rows:
    """What `main()` of the script returns; it sees `params` as a global of that name."""
    form = {
        "script": script,
        "params": json.dumps(dict(params), ensure_ascii=False) if params else None,
    }
    return jql_rows_of(await mixpanel.post("query", PATH, form, keep_s=freshness.NEVER))


def jql_rows_of(answer: Any) -> Rows:
    """Groups as keys and values, objects as columns, anything else in one column `value`."""
    results = read(_RESULTS, answer, "JQL")
    if results and all(
        isinstance(item, dict) and item.keys() == {"key", "value"} for item in results
    ):
        keys = _columns("key", [item["key"] for item in results])
        values = _columns("value", [item["value"] for item in results])
        rows = [[*key, *value] for key, value in zip(keys[1], values[1], strict=True)]
        return Rows.of([*keys[0], *values[0]], rows, hint=DEPRECATED)
    if results and all(isinstance(item, dict) for item in results):
        names = list(dict.fromkeys(name for item in results for name in item))
        rows = [[item.get(name) for name in names] for item in results]
        return Rows.of(names, rows, hint=DEPRECATED)
    return Rows.of(["value"], [[item] for item in results], hint=DEPRECATED)


def _columns(name: str, cells: Sequence[Any]) -> tuple[list[str], list[Row]]:
    """One column, or one per place when every cell is a list of the same length."""
    lengths = {len(cell) if isinstance(cell, list) else None for cell in cells}
    length = lengths.pop()
    if lengths or not length:
        return [name], [[cell] for cell in cells]
    if length == 1:
        return [name], [list(cell) for cell in cells]
    return [f"{name}_{place}" for place in range(1, length + 1)], [list(cell) for cell in cells]
