"""JQL, in maintenance mode: a few scripts run, and it can be switched off.

Never runs a script that is not one of the known patterns.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from mp_mcp.demo.counted import counted_rows, selection
from mp_mcp.demo.engage import everyone
from mp_mcp.demo.jql_scripts import Script, ScriptError, read_script
from mp_mcp.demo.wire import Call, WireError, endpoint

_OFF = {
    "404": "Not found",
    "410": "JQL has been sunset and is no longer available.",
    "400": "Invalid API endpoint",
    "403": "JQL is not available for this project.",
}


@endpoint("query", "/jql", "POST", "GET")
def jql(call: Call) -> Response:
    """What the script returns, as a bare array."""
    position = call.world.switches.jql
    if position != "on":
        raise WireError(int(position), _OFF[position])
    text = call.text("script")
    try:
        script = read_script(text, _params(call))
        return JSONResponse(_result(script, _rows(call, script)))
    except ScriptError as error:
        raise WireError(412, _report(text, error)) from error


def _params(call: Call) -> Mapping[str, Any]:
    """The global `params`, which comes as the text of a JSON object."""
    found: dict[str, Any] | None = call.structure("params", dict)
    return found or {}


def _rows(call: Call, script: Script) -> Iterator[dict[str, Any]]:
    return _people(call) if script.source == "People" else _events(call, script.options)


def _events(call: Call, options: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    first, last = (_day(options, name) for name in ("from_date", "to_date"))
    selectors = options.get("event_selectors")
    if selectors is not None and not (
        isinstance(selectors, list) and all(isinstance(one, dict) for one in selectors)
    ):
        raise ScriptError("TypeError", "event_selectors must be an array of objects")
    names = [str(one.get("event")) for one in selectors] if selectors else None
    for row in counted_rows(call, first, last, selection(names)):
        properties = dict(row.event.properties)
        yield {
            "name": row.name,
            "distinct_id": properties.pop("distinct_id"),
            "time": properties.pop("time"),
            "sampling_factor": 1.0,
            "properties": properties,
        }


def _people(call: Call) -> Iterator[dict[str, Any]]:
    for profile in everyone(call):
        seen = datetime.fromisoformat(profile.properties["$last_seen"]).replace(tzinfo=UTC)
        moment = int(seen.timestamp()) * 1000
        yield {
            "distinct_id": profile.distinct_id,
            "time": moment,
            "last_seen": moment,
            "properties": dict(profile.properties),
        }


def _day(options: Mapping[str, Any], name: str) -> date:
    value = options.get(name)
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise ScriptError("TypeError", f"Events: {name} is not a date: {value}") from error


def _result(script: Script, rows: Iterator[dict[str, Any]]) -> list[Any]:
    if script.reduced:
        return [_values(script, sum(1 for _ in rows))]
    if script.keys is None:
        return list(rows)
    counts = Counter(json.dumps([_of(row, key) for key in script.keys]) for row in rows)
    return [{"key": json.loads(key), "value": _values(script, n)} for key, n in counts.items()]


def _values(script: Script, count: int) -> Any:
    """A number, or one for each of several reducers."""
    return count if script.reducers is None else [count] * script.reducers


def _of(row: dict[str, Any], key: str) -> Any:
    name = key.removeprefix("properties.")
    return row.get(key) if name == key else row["properties"].get(name)


def _report(text: str, error: ScriptError) -> str:
    """The message over several lines, with the place in the code."""
    line = text.strip().split("\n", maxsplit=1)[0]
    said = f"{error.kind}: {error.message}"
    return (
        f"UserVisiblePreconditionFailedError: Uncaught exception {said}\n"
        f"  {line}\n"
        f"  {' ' * min(error.column, len(line))}^\n"
        "\nStack trace:\n"
        f"{said}\n"
        "    at main (<anonymous>:1:1)\n"
    )
