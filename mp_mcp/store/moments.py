"""What moment an expression of SQL says: a literal, a parameter, today or now, and steps from them.

Never runs SQL and never guesses: None for all that is not surely understood.
"""

import calendar
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from mp_mcp.store.parser import Node

Step = Callable[[datetime], datetime]

_TODAY = frozenset(("current_date", "today"))
_NOW = frozenset(
    ("now", "current_timestamp", "get_current_timestamp", "transaction_timestamp", "localtimestamp")
)
_LITERAL = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?", re.ASCII)
_INTERVAL = re.compile(r"(-?\d{1,6}) ?(hour|day|week|month|year)s?", re.ASCII | re.IGNORECASE)

_UNITS = {f"to_{unit}s": unit for unit in ("hour", "day", "week", "month", "year")} | {"trunc": ""}


def moment_of(value: object, params: Mapping[str, Any]) -> datetime | None:
    """The moment; `params` are the values of `$name` by their case-folded names."""
    steps: list[Step] = []
    # A loop, not recursion: a sum can be longer than Python's stack.
    while isinstance(value, dict):
        if kind := cast_to(value):
            steps.append(_midnight if kind == "DATE" else _same)
            value = value["child"]
        elif _name(value) in ("+", "-") and len(value["arguments"]) == 2:
            left, right = arguments(value)
            step = _step(_name(value), right, params)
            if step is None:
                return None
            steps.append(step)
            value = left
        else:
            return _walked(_start(value, params), steps)
    return None


def arguments(node: Node) -> list[Any]:
    """What a function is called with."""
    return [argument["expression"] for argument in node["arguments"]]


def cast_to(node: Node) -> str | None:
    """DATE or TIMESTAMP, when it is a cast to one of them."""
    if node.get("class") != "CAST":
        return None
    kind = str((node.get("type_expr") or {}).get("type_name", "")).upper()
    kind = "TIMESTAMP" if kind == "DATETIME" else kind
    return kind if kind in ("DATE", "TIMESTAMP") else None


def _start(node: Node, params: Mapping[str, Any]) -> datetime | None:
    name = _name(node)
    now = datetime.now(UTC).replace(tzinfo=None)  # as duckdb's: its zone is set to UTC
    if name in _TODAY:
        return _midnight(now)
    if name in _NOW:
        return now
    text = _plain(node, params)
    if not isinstance(text, str) or not _LITERAL.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _walked(start: datetime | None, steps: list[Step]) -> datetime | None:
    try:
        for step in reversed(steps if start else ()):
            start = step(start) if start else None
    except (OverflowError, ValueError):
        return None  # beyond the years that Python has
    return start


def _step(sign: str, amount: object, params: Mapping[str, Any]) -> Step | None:
    """What adding or subtracting this does; a plain number is days."""
    found = next(_amount(amount, params), None)
    if found is None:
        return None
    count, unit = found
    count = -count if sign == "-" else count
    if unit in ("month", "year"):
        months = count * (12 if unit == "year" else 1)
        return lambda moment: _months_later(moment, months)
    return lambda moment: moment + timedelta(**{f"{unit}s": count})


def _amount(node: object, params: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    unit = "day"
    # INTERVAL 3 DAY is to_days(CAST(trunc(CAST(3 AS DOUBLE)) AS INTEGER)).
    while isinstance(node, dict):
        if node.get("class") == "CAST":
            node = node.get("child")
        elif _name(node) in _UNITS and len(node["arguments"]) == 1:
            unit = _UNITS[_name(node)] or unit
            node = arguments(node)[0]
        else:
            break
    value = _plain(node, params)
    if isinstance(value, int):
        yield value, unit
    elif isinstance(value, str) and (found := _INTERVAL.fullmatch(value)):
        yield int(found[1]), found[2].lower()


def _plain(node: object, params: Mapping[str, Any]) -> object:
    """The text or the integer that a literal or a parameter is."""
    if not isinstance(node, dict):
        return None
    if node.get("class") == "PARAMETER":
        return params.get(str(node["identifier"]).casefold())
    literal = node.get("literal") or {}
    text = str(literal.get("text", ""))
    if literal.get("kind") == "INTEGER":
        return int(text) if len(text) < 10 and text.isdigit() else None
    return text if literal.get("kind") == "STRING" else None


def _name(node: Node) -> str:
    """Of a function; current_date and its like are columns to the parser."""
    names = node.get("column_names") or []
    if node.get("class") == "COLUMN_REF" and len(names) == 1:
        return str(names[0]).lower()
    return str(node["function_name"]).lower() if node.get("class") == "FUNCTION" else ""


def _months_later(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    year = moment.year + years
    if not 1 <= year <= 9999:
        raise ValueError(year)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment, time.min)


def _same(moment: datetime) -> datetime:
    return moment
