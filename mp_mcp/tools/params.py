"""Parameter types that tools share: rule, help text and flags in one place.

Never validates what only Mixpanel or the database can know.
"""

import json
import re
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from mp_mcp.errors import UsageError
from mp_mcp.mixpanel import bookmarks, funnels, lexicon, segmentation
from mp_mcp.tool import TABLE_NAME, Flag


def as_list(value: Any) -> Any:
    """A shell sends `A,B`, or a JSON array when a name has a comma."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError('starts like a JSON array, but is none; write ["A", "B"]') from error
    return [part.strip() for part in value.split(",") if part.strip()]


def _as_object(value: Any) -> Any:
    """Some agents send an object as its JSON text."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError('must be an object, e.g. {"plan": "pro"}') from error


def _as_date(value: Any) -> Any:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise ValueError("must be a calendar day, written YYYY-MM-DD")


def _as_date_if_any(value: Any) -> Any:
    return None if value in (None, "") else _as_date(value)


def none_if_empty(value: Any) -> Any:
    """Agents send "" for an argument that they leave out."""
    return None if value == "" else value


Day = Annotated[date, BeforeValidator(_as_date)]
DayIfAny = Annotated[date | None, BeforeValidator(_as_date_if_any)]
TextIfAny = Annotated[str | None, BeforeValidator(none_if_empty)]

FromDate = Annotated[Day, Flag("--from"), Field(description="First day, YYYY-MM-DD")]
ToDate = Annotated[Day, Flag("--to"), Field(description="Last day, YYYY-MM-DD, inclusive")]
Event = Annotated[
    str, Flag("-e", "--event"), Field(min_length=1, description="Event name, e.g. Signup")
]
EventIfAny = Annotated[
    str | None,
    BeforeValidator(none_if_empty),
    Flag("-e", "--event"),
    Field(description="Only of this event, e.g. Signup"),
]
Events = Annotated[
    tuple[str, ...],
    BeforeValidator(as_list),
    Flag("-e", "--events"),
    Field(description="Event names, e.g. Signup,Login; empty means all events"),
]
ComparedEvents = Annotated[
    tuple[str, ...],
    BeforeValidator(as_list),
    Flag("-e", "--events"),
    Field(min_length=1, description="Event names, e.g. Signup,Login"),
]
Users = Annotated[
    tuple[Annotated[str, Field(coerce_numbers_to_str=True)], ...],
    BeforeValidator(as_list),
    Flag("-U", "--users"),
    Field(min_length=1, description="Distinct ids of users, e.g. u-1001,u-1002"),
]
Property = Annotated[
    str,
    Flag("-p", "--property"),
    Field(min_length=1, description="Property name, no expression, e.g. plan"),
]
On = Annotated[
    str | None,
    BeforeValidator(none_if_empty),
    Flag("-o", "--on"),
    Field(description='Break down by this property or expression, e.g. plan, properties["plan"]'),
]
NumericOn = Annotated[
    str,
    Flag("-o", "--on"),
    Field(
        min_length=1,
        description='Numeric property or expression, e.g. price, number(properties["price"])',
    ),
]
Where = Annotated[
    str | None,
    BeforeValidator(none_if_empty),
    Flag("-w", "--where"),
    Field(description='Mixpanel filter expression, e.g. properties["plan"] == "team"'),
]
Unit = Annotated[
    segmentation.Unit,
    Flag("-u", "--unit"),
    Field(description="Length of one time bucket"),
]
HourOrDay = Annotated[
    segmentation.HourOrDay, Flag("-u", "--unit"), Field(description="Length of one time bucket")
]
Period = Annotated[
    funnels.Unit,
    Flag("-u", "--unit"),
    Field(description="Length of one period"),
]
CountType = Annotated[
    segmentation.CountType,
    Flag("-t", "--type"),
    Field(description="Count events (general), users (unique), or events per user (average)"),
]
SegmentLimit = Annotated[
    int,
    Flag("-l", "--limit"),
    Field(ge=1, le=10_000, description="Keep at most this many values of the breakdown"),
]
RowLimit = Annotated[
    int,
    Flag("-l", "--limit"),
    Field(ge=1, le=100_000, description="Most rows to return; agents get at most 1000"),
]
Offset = Annotated[
    int,
    Flag("--offset"),
    Field(ge=0, le=10**12, description="Skip this many rows: the next page's start"),
]
Table = Annotated[
    str,
    Flag(argument="TABLE"),
    Field(
        pattern=TABLE_NAME,
        description="Table name: letters, digits and _, e.g. events",
    ),
]
TableOption = Annotated[
    str,
    Flag("-t", "--table"),
    Field(min_length=1, description="Table name from inspect_tables, e.g. events"),
]
Force = Annotated[
    bool, Flag("-y", "--force"), Field(description="Replace the file when it is there already")
]
Sql = Annotated[
    str,
    Flag(argument="SQL"),
    Field(
        min_length=1,
        description="One SELECT in DuckDB SQL, e.g. SELECT event, count(*) FROM events GROUP BY 1",
    ),
]
SqlParams = Annotated[
    dict[str, Any] | None,
    BeforeValidator(_as_object),
    Flag("-P", "--param"),
    Field(description='Values for $name in the SQL, e.g. {"plan": "pro"} for WHERE plan = $plan'),
]
Timeout = Annotated[
    float | None,
    Flag("--timeout"),
    Field(gt=0, le=600, description="Stop after this many seconds; agents get at most 30"),
]
FunnelId = Annotated[
    int, Flag(argument="FUNNEL_ID"), Field(ge=1, description="Id from inspect_funnels, e.g. 7001")
]
BookmarkId = Annotated[
    int,
    Flag(argument="BOOKMARK_ID"),
    Field(ge=1, description="Id from inspect_bookmarks, e.g. 63001"),
]
BookmarkType = Annotated[
    bookmarks.BookmarkType | None,
    Flag("-t", "--type"),
    Field(description="Only reports of this type"),
]
EntityType = Annotated[
    lexicon.EntityType,
    Flag("-t", "--type"),
    Field(description="What the schema describes"),
]
EntityTypeIfAny = Annotated[
    lexicon.EntityType | None,
    Flag("-t", "--type"),
    Field(description="Only schemas of this type"),
]
SchemaName = Annotated[
    str,
    Flag("-n", "--name"),
    Field(min_length=1, description="Name of the event; for profiles it is $user"),
]
Search = Annotated[
    str | None,
    BeforeValidator(none_if_empty),
    Flag("--search"),
    Field(description="Only names that contain this text, in any case"),
]


def require_free(file: str, *, force: bool) -> None:
    """Raises: UsageError, before anything is computed for a file that must not be replaced."""
    if not force and Path(file).exists():
        raise UsageError(
            f"{file} is there already.", hint="--force replaces it, or use another name."
        )


def require_order(from_date: date, to_date: date) -> None:
    """Raises: UsageError, before anything is spent on a range that ends before it starts."""
    if to_date < from_date:
        raise UsageError("to_date is before from_date.", hint="Swap the two dates.")


MOST_BUCKETS = 100_000
"""Of one series: 69 days of minutes, 11 years of hours."""

_BUCKETS_OF_A_DAY = {"minute": 24 * 60, "hour": 24}


def require_series(from_date: date, to_date: date, unit: segmentation.Unit) -> None:
    """Raises: UsageError for a range out of order, or of more buckets than anybody reads."""
    require_order(from_date, to_date)
    buckets = ((to_date - from_date).days + 1) * _BUCKETS_OF_A_DAY.get(unit, 1)
    if buckets > MOST_BUCKETS:
        raise UsageError(
            f"The range has {buckets:,} buckets of one {unit}: at most {MOST_BUCKETS:,} are asked.",
            hint="Ask for fewer days, or take a longer unit.",
        )
