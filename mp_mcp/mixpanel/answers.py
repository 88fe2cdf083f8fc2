"""How answers on the wire are read: envelopes, shapes, and what is said about an unknown one.

Never knows an endpoint: each reads its own shapes with what is here.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from mp_mcp.errors import UnknownAnswerError
from mp_mcp.results import Row

T = TypeVar("T")
Number = int | float

_DAY = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_NO_NUMBERS = frozenset(
    {"NaN", "nan", *(sign + i for sign in ("", "-") for i in ("Infinity", "inf"))}
)


def as_number(value: Any) -> Any:
    """A number that came as a text; None for what cannot be computed, like NaN.

    Anything else stays as it is. Raises: ValueError for a text that is no number.
    """
    if isinstance(value, str):
        if value in _NO_NUMBERS:
            return None
        if not _NUMBER.fullmatch(value):
            raise ValueError("not a number")
        value = _parsed(value)
    return value if _is_finite(value) else None


def _parsed(text: str) -> Number:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _is_finite(value: Any) -> bool:
    try:
        return not isinstance(value, int | float) or math.isfinite(value)
    except OverflowError:
        # A whole number that no arithmetic with fractions could take.
        return False


NumberIfAny = Annotated[Number | None, BeforeValidator(as_number)]
"""A number as Mixpanel may send it; null where there is none."""


class Counts(BaseModel):
    """The `data` of series: names of buckets in any order, and numbers by series and bucket."""

    series: list[str] = Field(default_factory=list)
    values: dict[str, dict[str, NumberIfAny]] = Field(default_factory=dict)


class _Counted(BaseModel):
    data: Counts


_COUNTED = TypeAdapter(_Counted)


def read(adapter: TypeAdapter[T], answer: Any, what: str) -> T:
    """The answer as the adapter's type; unknown extra keys are ignored.

    Raises: UnknownAnswerError for any other shape, since a guess would be a wrong number.
    """
    try:
        return adapter.validate_python(answer)
    except ValidationError as error:
        raise unexpected(what) from error


def unexpected(what: str) -> UnknownAnswerError:
    """The error of an answer that nobody has described."""
    return UnknownAnswerError(
        f"Mixpanel's answer about {what} has a shape that this version does not know.",
        hint="Mixpanel may have changed: look for a newer version of mp-mcp.",
    )


def unwrapped(answer: Any) -> Any:
    """What an envelope holds; some routes have two, some none."""
    return answer["results"] if isinstance(answer, dict) and "results" in answer else answer


def counts_of(answer: Any, what: str) -> Counts:
    """The series of a `{"data": {"series", "values"}}` answer."""
    return read(_COUNTED, answer, what).data


def is_day(key: str) -> bool:
    """Whether a key is a date, or a moment, as Mixpanel writes buckets of time: the whole key."""
    if not _DAY.fullmatch(key):
        return False
    try:
        datetime.fromisoformat(key)
    except ValueError:
        return False
    return True


def distinct(names: Iterable[str], taken: Iterable[str]) -> list[str]:
    """Names of columns, changed where one is taken: `date (value)` beside the column `date`."""
    known = set(taken)
    found = []
    for name in names:
        while name in known:
            name = f"{name} (value)"  # noqa: PLW2901 - until nobody has it
        known.add(name)
        found.append(name)
    return found


def by_date(names: Iterable[str]) -> list[str]:
    """The columns of a table over time: the date, and one for each of the names."""
    return ["date", *distinct(names, ["date"])]


def by_total(values: Mapping[str, Mapping[str, Number | None]]) -> list[str]:
    """Names of series, the largest total first."""
    totals = {name: sum(number or 0 for number in days.values()) for name, days in values.items()}
    return sorted(values, key=lambda name: (-totals[name], name))


def filled(
    values: Mapping[str, Mapping[str, Number | None]],
    names: Iterable[str],
    buckets: Iterable[str] = (),
) -> list[Row]:
    """One row per bucket in order, one number per name; what is absent is zero, null stays null."""
    kept = list(names)
    known = {*buckets, *(bucket for days in values.values() for bucket in days)}
    return [
        [bucket, *(values.get(name, {}).get(bucket, 0) for name in kept)]
        for bucket in sorted(known)
    ]
