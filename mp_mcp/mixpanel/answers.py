"""Mixpanel's answers on the wire, read into models: tolerant of what is known to vary.

Never asks anything, and never guesses: a shape that nobody has described is an error.
"""

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.models import Bookmark, Cell, Me, Series

T = TypeVar("T")
Number = int | float


class _Counts(BaseModel):
    series: list[str] = Field(default_factory=list)
    values: dict[str, dict[str, Number | None]] = Field(default_factory=dict)


class _Segmentation(BaseModel):
    data: _Counts


_NAMES = TypeAdapter(list[str])
_BOOKMARKS = TypeAdapter(list[Bookmark])
_SEGMENTATION = TypeAdapter(_Segmentation)
_ME = TypeAdapter(Me)


def event_names_of(answer: Any) -> list[str]:
    """Names in alphabetical order; Mixpanel promises none."""
    names: list[str] = _read(_NAMES, answer, "event names")
    return sorted(set(names))


def bookmarks_of(answer: Any) -> list[Bookmark]:
    """Saved reports, in Mixpanel's order."""
    return _read(_BOOKMARKS, _unwrapped(_unwrapped(answer)), "saved reports")


def series_of(answer: Any, event: str) -> Series:
    """One column per series, the largest total first; absent periods are zero."""
    counts = _read(_SEGMENTATION, answer, "segmentation").data
    values = counts.values or {event: {}}
    dates = sorted({*counts.series, *(day for counted in values.values() for day in counted)})
    totals = {name: sum(number or 0 for number in days.values()) for name, days in values.items()}
    names = sorted(values, key=lambda name: (-totals[name], name))
    rows: list[list[Cell]] = [
        [day, *(values[name].get(day) or 0 for name in names)] for day in dates
    ]
    return Series(columns=["date", *names], rows=rows)


def me_of(answer: Any) -> Me:
    """The user and what it can see; ids are the keys of Mixpanel's maps."""
    results = _unwrapped(answer)
    if not isinstance(results, dict) or not results.keys() & {"user_id", "projects"}:
        raise _unexpected("the user")
    return _read(
        _ME,
        {
            **{key: results.get(key) for key in ("user_id", "user_name", "user_email")},
            "projects": list(_entries(results.get("projects"))),
            "workspaces": list(_entries(results.get("workspaces"))),
        },
        "the user",
    )


def _entries(found: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(found, dict):
        return
    for key, entry in found.items():
        if isinstance(entry, dict):
            known = {name: value for name, value in entry.items() if value is not None}
            yield {**known, "id": key}


def _unwrapped(answer: Any) -> Any:
    """What an envelope holds; some routes have two, some none."""
    return answer["results"] if isinstance(answer, dict) and "results" in answer else answer


def _read(adapter: TypeAdapter[T], answer: Any, what: str) -> T:
    try:
        return adapter.validate_python(answer)
    except ValidationError as error:
        raise _unexpected(what) from error


def _unexpected(what: str) -> MixpanelError:
    return MixpanelError(
        f"Mixpanel's answer about {what} has a shape that this version does not know.",
        hint="Mixpanel may have changed: look for a newer version of mp-mcp.",
    )
