"""The filters of reports: clauses of a report's params in, a condition on a row out.

Never reads the expression language, which is what `where` and `on` are written in.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mp_mcp.demo.expressions import Expression, Subject
from mp_mcp.demo.values import UNDEFINED, equal, is_number, text_of

Clause = Mapping[str, Any]
Compare = Callable[[Any, Any], bool]


def property_reader(clause: Clause) -> Expression:
    """What gives the value of the property that a filter or a breakdown names."""
    name = clause.get("value") or clause.get("propertyName")
    if not isinstance(name, str):
        raise TypeError("a property has a name")
    of_user = clause.get("resourceType") in ("people", "user")

    def read(subject: Subject) -> Any:
        return (subject.user if of_user else subject.properties).get(name, UNDEFINED)

    return read


def condition_of(clauses: Sequence[Clause], determiner: str = "all") -> Expression | None:
    """The condition of some filters together; None when there are none."""
    conditions = [_condition(clause) for clause in clauses]
    if not conditions:
        return None
    together = any if determiner in ("any", "or") else all
    return lambda subject: together(condition(subject) for condition in conditions)


def both(one: Expression | None, other: Expression | None) -> Expression | None:
    """The condition that two conditions, either of which may be absent, make."""
    if one is None or other is None:
        return one or other
    return lambda subject: bool(one(subject)) and bool(other(subject))


def flow_condition(clauses: Sequence[Clause], determiner: str) -> Expression | None:
    """The condition of the filters of a flow's step, which are written in another form."""
    return condition_of([_of_flow(clause) for clause in clauses], determiner)


def _of_flow(clause: Clause) -> Clause:
    asked = clause["filter"]
    operand = asked.get("operand")
    operator = asked.get("operator", operand)
    if clause["type"] == "number":
        # Numbers are sent as text.
        texts = operand if isinstance(operand, list) else [operand]
        operand = [float(text) for text in texts if text != ""]
    of_user = clause["property"]["source"] == "user"
    return {
        "value": clause["property"]["name"],
        "resourceType": "people" if of_user else "events",
        "filterOperator": _FLOW_OPERATORS.get(operator, operator),
        "filterValue": operand,
    }


_FLOW_OPERATORS = {
    "==": "equals",
    "!=": "does not equal",
    "in": "contains",
    "not in": "does not contain",
    "set": "is set",
    "not set": "is not set",
    ">": "is greater than",
    "<": "is less than",
    ">=": "is at least",
    "<=": "is at most",
    "><": "is between",
}


def _condition(clause: Clause) -> Expression:
    compare = _OPERATORS[clause["filterOperator"]]
    read = property_reader(clause)
    wanted = clause.get("filterValue")
    return lambda subject: compare(read(subject), wanted)


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def _equals(value: Any, wanted: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(
        equal(one, other) or (isinstance(other, str) and text_of(one) == other)
        for one in values
        if one is not UNDEFINED
        for other in _listed(wanted)
    )


def _contains(value: Any, wanted: Any) -> bool:
    return isinstance(value, str | list) and any(str(one) in value for one in _listed(wanted))


def _number(compare: Callable[[float, list[float]], bool]) -> Compare:
    return lambda value, wanted: is_number(value) and compare(value, _listed(wanted))


_OPERATORS: dict[str, Compare] = {
    "equals": _equals,
    "does not equal": lambda value, wanted: not _equals(value, wanted),
    "contains": _contains,
    "does not contain": lambda value, wanted: not _contains(value, wanted),
    "is set": lambda value, _wanted: value is not UNDEFINED,
    "is not set": lambda value, _wanted: value is UNDEFINED,
    "true": lambda value, _wanted: value is True,
    "false": lambda value, _wanted: value is False,
    "is equal to": _equals,
    "is not equal to": lambda value, wanted: not _equals(value, wanted),
    "is greater than": _number(lambda value, wanted: value > wanted[0]),
    "is less than": _number(lambda value, wanted: value < wanted[0]),
    "is at least": _number(lambda value, wanted: value >= wanted[0]),
    "is at most": _number(lambda value, wanted: value <= wanted[0]),
    "is between": _number(lambda value, wanted: wanted[0] <= value <= wanted[1]),
    "between": _number(lambda value, wanted: wanted[0] <= value <= wanted[1]),
}
