"""How answers on the wire are read: envelopes, shapes, and what is said about an unknown one.

Never knows an endpoint: each reads its own shapes with what is here.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from mp_mcp.errors import MixpanelError
from mp_mcp.results import Row

T = TypeVar("T")
Number = int | float

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Counts(BaseModel):
    """The `data` of series: names of buckets in any order, and numbers by series and bucket."""

    series: list[str] = Field(default_factory=list)
    values: dict[str, dict[str, Number | None]] = Field(default_factory=dict)


class _Counted(BaseModel):
    data: Counts


_COUNTED = TypeAdapter(_Counted)


def read(adapter: TypeAdapter[T], answer: Any, what: str) -> T:
    """The answer as the adapter's type; unknown extra keys are ignored.

    Raises: MixpanelError for any other shape, since a guess would be a wrong number.
    """
    try:
        return adapter.validate_python(answer)
    except ValidationError as error:
        raise unexpected(what) from error


def unexpected(what: str) -> MixpanelError:
    """The error of an answer that nobody has described."""
    return MixpanelError(
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
    """Whether a key is a date, or a moment, as Mixpanel writes buckets of time."""
    return bool(_DAY.match(key))


def by_total(values: Mapping[str, Mapping[str, Number | None]]) -> list[str]:
    """Names of series, the largest total first."""
    totals = {name: sum(number or 0 for number in days.values()) for name, days in values.items()}
    return sorted(values, key=lambda name: (-totals[name], name))


def filled(
    values: Mapping[str, Mapping[str, Number | None]],
    names: Iterable[str],
    buckets: Iterable[str] = (),
) -> list[Row]:
    """One row per bucket in order, one number per name; what is absent is zero."""
    kept = list(names)
    known = {*buckets, *(bucket for days in values.values() for bucket in days)}
    return [
        [bucket, *(values.get(name, {}).get(bucket) or 0 for name in kept)]
        for bucket in sorted(known)
    ]
