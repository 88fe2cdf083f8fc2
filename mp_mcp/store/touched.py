"""Which days a query is about: what its WHERE and its joins say of `day` or `time`, per table.

Never runs SQL and never guesses: a condition that is not surely understood narrows nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from mp_mcp.store.moments import arguments, cast_to, moment_of
from mp_mcp.store.parser import Node, nodes

_COLUMNS = frozenset(("day", "time", "time_utc"))
_ONE_DAY = timedelta(days=1)
_MIRRORED = {
    "COMPARE_EQUAL": "COMPARE_EQUAL",
    "COMPARE_LESSTHAN": "COMPARE_GREATERTHAN",
    "COMPARE_LESSTHANOREQUALTO": "COMPARE_GREATERTHANOREQUALTO",
    "COMPARE_GREATERTHAN": "COMPARE_LESSTHAN",
    "COMPARE_GREATERTHANOREQUALTO": "COMPARE_LESSTHANOREQUALTO",
}


class Touched(NamedTuple):
    """The first and the last day; None is an open end."""

    first: date | None = None
    last: date | None = None


class _Condition(NamedTuple):
    """A comparison of a column with values, one of which is met."""

    kind: str
    column: str
    is_day: bool
    """Whether it compares whole days."""
    values: list[Any]


class Use(NamedTuple):
    """One place where a query reads a table, and the conditions that all its rows meet."""

    table: tuple[str, ...]
    conditions: tuple[_Condition, ...] = ()

    def touched(self, params: Mapping[str, Any]) -> Touched:
        """The days that it reads when `$name` has these values."""
        folded = {name.casefold(): value for name, value in params.items()}
        found = [_days(condition, folded) for condition in self.conditions]
        return Touched(
            max((each.first for each in found if each.first), default=None),
            min((each.last for each in found if each.last), default=None),
        )


def hull(parts: Iterable[Touched]) -> Touched:
    """From the earliest to the latest day of all of them; open where one is, or without any."""
    found = list(parts)
    firsts = [each.first for each in found if each.first]
    lasts = [each.last for each in found if each.last]
    return Touched(
        min(firsts) if firsts and len(firsts) == len(found) else None,
        max(lasts) if lasts and len(lasts) == len(found) else None,
    )


def uses_of(tree: Node) -> tuple[Use, ...]:
    """Every place where the query reads a table."""
    found: dict[int, Use] = {}
    # Whoever selects from a table comes before it, and knows more of it.
    for node in nodes(tree):
        if node.get("type") == "SELECT_NODE":
            for table, met in _sources(
                node.get("from_table"), _conjuncts(node.get("where_clause"))
            ):
                found[id(table)] = _use(table, met)
        elif node.get("type") == "BASE_TABLE":
            found.setdefault(id(node), _use(node, []))
    return tuple(found.values())


def _sources(source: object, met: list[Node]) -> Iterator[tuple[Node, list[Node]]]:
    """The tables of a FROM clause, each with the expressions that its rows meet."""
    pending = [(source, met)]
    while pending:
        node, met = pending.pop()
        if not isinstance(node, dict):
            continue
        if node.get("type") == "BASE_TABLE":
            yield node, met
        elif node.get("type") == "JOIN":
            # A LEFT JOIN keeps the rows of its left side, whatever its condition says of them.
            on = _conjuncts(node.get("condition")) if node.get("ref_type") == "REGULAR" else []
            inner, left = node.get("join_type") == "INNER", node.get("join_type") == "LEFT"
            pending.append((node["left"], met + (on if inner else [])))
            pending.append((node["right"], met + (on if inner or left else [])))


def _conjuncts(expression: object) -> list[Node]:
    """What is joined by AND."""
    found = []
    pending = [expression]
    while pending:
        node = pending.pop()
        if isinstance(node, dict) and node.get("type") == "CONJUNCTION_AND":
            pending.extend(node["children"])
        elif isinstance(node, dict):
            found.append(node)
    return found


def _use(table: Node, met: list[Node]) -> Use:
    path = tuple(str(part).lower() for part in table["qualified_name"]["path"])
    if table.get("column_name_alias"):
        return Use(path)  # its columns have other names here
    name = str(table.get("alias") or path[-1]).lower()
    return Use(path, tuple(found for node in met for found in _conditions(node, name)))


def _conditions(node: Node, table: str) -> Iterator[_Condition]:
    """What an expression says of a table's days."""
    kind = str(node.get("type"))
    if kind == "COMPARE_BETWEEN":
        yield from _condition("COMPARE_GREATERTHANOREQUALTO", node["input"], [node["lower"]], table)
        yield from _condition("COMPARE_LESSTHANOREQUALTO", node["input"], [node["upper"]], table)
    elif kind == "COMPARE_IN":
        first, *others = node["children"]
        yield from _condition("COMPARE_EQUAL", first, others, table)
    elif kind in _MIRRORED:
        yield from _condition(kind, node["left"], [node["right"]], table)
        yield from _condition(_MIRRORED[kind], node["right"], [node["left"]], table)


def _condition(kind: str, column: object, values: list[Any], table: str) -> Iterator[_Condition]:
    is_day = False
    while isinstance(column, dict):
        if cast := cast_to(column):
            is_day = is_day or cast == "DATE"
            column = column["child"]
        elif _is_day_of(column):
            is_day = True
            column = arguments(column)[1]
        else:
            break
    parts = column.get("column_names") if isinstance(column, dict) else None
    names = [str(part).lower() for part in parts or ()]
    if names and names[-1] in _COLUMNS and names[:-1] in ([], [table]):
        yield _Condition(kind, names[-1], is_day or names[-1] == "day", values)


def _is_day_of(node: Node) -> bool:
    """Whether it is date_trunc('day', ...)."""
    if node.get("class") != "FUNCTION" or node.get("function_name") != "date_trunc":
        return False
    first, *others = arguments(node)
    literal = first.get("literal") or {}
    return len(others) == 1 and str(literal.get("text")).lower() == "day"


def _days(condition: _Condition, params: Mapping[str, Any]) -> Touched:
    """The days that a condition leaves; both ends are open when it is not understood."""
    moments = [moment_of(value, params) for value in condition.values]
    found = [moment for moment in moments if moment is not None]
    if len(found) < len(moments):
        return Touched()
    first, last = _ends(condition, found)
    if condition.column == "time_utc":
        # The days are those of the project's clock.
        first, last = first and first - _ONE_DAY, last and last + _ONE_DAY
    return Touched(first, last)


def _ends(condition: _Condition, found: list[datetime]) -> Touched:
    first, last = min(found), max(found)
    # Before midnight means the day before, and after a whole day the next one.
    before = last - _ONE_DAY if last == datetime.combine(last, datetime.min.time()) else last
    is_whole = condition.is_day and before < last
    match condition.kind:
        case "COMPARE_EQUAL":
            return Touched(first.date(), last.date())
        case "COMPARE_GREATERTHAN":
            return Touched((first + _ONE_DAY if is_whole else first).date(), None)
        case "COMPARE_GREATERTHANOREQUALTO":
            return Touched(first.date(), None)
        case "COMPARE_LESSTHAN":
            return Touched(None, before.date())
        case _:
            return Touched(None, last.date())
