"""What the operators and functions of the expression language do with values.

Never parses text: `expressions.py` does.

Values are those of JSON plus `UNDEFINED`, which is what a missing property is. Times are numbers:
epoch seconds.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from enum import Enum
from typing import Any, Final, Literal

_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NUMERAL = re.compile(r"-?\d+(\.\d+)?")


class ExpressionError(ValueError):
    """The expression cannot be parsed, or cannot be applied to a value that it met."""


class _Undefined(Enum):
    UNDEFINED = "undefined"


UNDEFINED: Final[Literal[_Undefined.UNDEFINED]] = _Undefined.UNDEFINED

Binary = Callable[[Any, Any], Any]


def is_number(value: object) -> bool:
    """Whether it is a number to the language; booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """Always a boolean; values of different types are unequal."""
    if is_number(left) and is_number(right):
        return bool(left == right)
    return type(left) is type(right) and left == right


def _ordered(compare: Binary) -> Binary:
    """Numbers only, but texts that look like ISO dates compare as text."""

    def apply(left: Any, right: Any) -> Any:
        if is_number(left) and is_number(right):
            return compare(left, right)
        dates = all(isinstance(side, str) and _ISO_DATE.match(side) for side in (left, right))
        return compare(left, right) if dates else UNDEFINED

    return apply


def _numeric(operate: Binary) -> Binary:
    def apply(left: Any, right: Any) -> Any:
        return operate(left, right) if is_number(left) and is_number(right) else UNDEFINED

    return apply


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    return left + right if is_number(left) and is_number(right) else UNDEFINED


def _contains(needle: Any, hay: Any) -> Any:
    if isinstance(hay, list):
        return any(equal(needle, item) for item in hay)
    if isinstance(hay, str) and isinstance(needle, str):
        return needle in hay
    return UNDEFINED


BINARY: dict[str, Binary] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
    "+": _add,
    "-": _numeric(lambda left, right: left - right),
    "*": _numeric(lambda left, right: left * right),
    "/": _numeric(lambda left, right: left / right if right else UNDEFINED),
    # The remainder has the sign of the dividend.
    "%": _numeric(lambda left, right: math.fmod(left, right) if right else UNDEFINED),
    "in": _contains,
}


def truth(value: Any) -> bool:
    """An operand of `and`, `or` or `not`: undefined counts as false, other types are errors."""
    if value is UNDEFINED:
        return False
    if isinstance(value, bool):
        return value
    raise ExpressionError(f"operand is not a boolean: {text_of(value)}")


def negative(value: Any) -> Any:
    """Unary minus."""
    return -value if is_number(value) else UNDEFINED


def text_of(value: Any) -> str:
    """The text under which a value appears as a key of a breakdown."""
    if isinstance(value, str):
        return value
    if value is UNDEFINED:
        return "undefined"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _rounded(operate: Callable[[float], int]) -> Callable[..., Any]:
    return lambda value: operate(value) if is_number(value) and math.isfinite(value) else UNDEFINED


def _boolean(value: Any) -> bool:
    return value is not UNDEFINED and bool(value)


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return float(value) if _NUMERAL.fullmatch(value) else UNDEFINED
    return value if is_number(value) else UNDEFINED


def _string(value: Any, default: Any = UNDEFINED) -> Any:
    if value is UNDEFINED:
        return default
    return text_of(value)


def datetime_function(zone: tzinfo = UTC) -> Callable[[Any], Any]:
    """`datetime(x)`: ISO text in the project's zone, or epoch seconds, as epoch seconds."""

    def convert(value: Any) -> Any:
        if is_number(value):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return UNDEFINED
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()

    return convert


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "floor": _rounded(math.floor),
    "ceil": _rounded(math.ceil),
    "round": _rounded(lambda value: math.floor(value + 0.5)),
    "boolean": _boolean,
    "number": _number,
    "string": _string,
    "defined": lambda value: value is not UNDEFINED,
    "datetime": datetime_function(),
}
