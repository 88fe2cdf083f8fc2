"""A saved report of any type by its id: which endpoint answers for it, and its table.

Never reads shapes: `report_shapes.py`, `flows.py`, `funnels.py` and `retention.py` do.
"""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from pydantic import Field, TypeAdapter

from mp_mcp.errors import CredentialsError, MixpanelError, NotFoundError, UsageError
from mp_mcp.mixpanel import freshness
from mp_mcp.mixpanel.answers import is_day, read, unwrapped
from mp_mcp.mixpanel.bookmarks import Bookmark, scope_of
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.flows import flows
from mp_mcp.mixpanel.funnels import Unit, funnel
from mp_mcp.mixpanel.report_shapes import answer_of, table_of
from mp_mcp.mixpanel.retention import retention_of, without_future
from mp_mcp.results import Rows

DEFAULT_DAYS = 30

_BOOKMARK = TypeAdapter(Bookmark)


class SavedReport(Rows):
    """What a saved report shows now."""

    name: str | None = None
    type: str | None = Field(default=None, description="insights, funnels, retention, flows")
    from_date: str | None = None
    to_date: str | None = None
    computed_at: str | None = None
    conversion_rate: float | None = Field(default=None, description="of flows: fraction")


_UNITS: dict[int, Unit] = {1: "day", 7: "week", **dict.fromkeys((28, 29, 30, 31), "month")}
"""By the days between one cohort of a retention report and the next."""


async def saved_report(
    mixpanel: Mixpanel,
    bookmark_id: int,
    *,
    native: bool = False,
    from_date: date | None = None,
    to_date: date | None = None,
) -> SavedReport:
    """The report as a table. `native` asks funnels and retention at their own endpoint.

    The range is the report's own; only a native funnel takes dates.
    Raises: UsageError when `native` is asked of a report whose type these credentials cannot see.
    """
    known = await (_typed if native else _bookmark)(mixpanel, bookmark_id)
    kind = known.type if known else None
    if (from_date or to_date) and not (native and kind == "funnels"):
        raise UsageError(
            "This saved report has a date range of its own.",
            hint="Leave the dates out; only a funnel with native takes them.",
        )
    if kind == "flows":
        report = await _flows(mixpanel, bookmark_id)
    elif native and kind == "funnels":
        report = await _native_funnel(mixpanel, bookmark_id, from_date, to_date)
    elif native and kind == "retention":
        report = await _native_retention(mixpanel, bookmark_id)
    else:
        report = await _insights(mixpanel, bookmark_id, unknown=kind is None)
    report.name = known.name if known else None
    report.type = kind or report.type
    if report.type == "retention":
        unbegun_as_null(report, await mixpanel.today())
    return report


def unbegun_as_null(report: SavedReport, today: date) -> None:
    """Null for the periods that begin after `today`; their unit is how far cohorts are apart."""
    if not {"date", "count_0"} <= set(report.columns):
        return
    at = report.columns.index("date")
    days = sorted(
        {date.fromisoformat(row[at][:10]) for row in report.rows if is_day(row[at] or "")}
    )
    apart = min((later - day).days for day, later in pairwise(days)) if len(days) > 1 else 0
    unit = _UNITS.get(apart)
    if unit is not None:
        without_future(report, today, unit)


async def _bookmark(mixpanel: Mixpanel, bookmark_id: int) -> Bookmark | None:
    """The report's name and type, at no cost; None when Mixpanel does not tell."""
    try:
        return await _looked_up(mixpanel, bookmark_id)
    except (MixpanelError, CredentialsError):
        # A project secret cannot ask this, but it can ask for the report itself.
        return None


async def _typed(mixpanel: Mixpanel, bookmark_id: int) -> Bookmark:
    """The report with its type. Raises: what passes as it is, UsageError for the rest."""
    try:
        known = await _looked_up(mixpanel, bookmark_id)
    except (MixpanelError, CredentialsError) as error:
        if error.retryable:
            # Without the type the answer would be of another endpoint, and look alike.
            raise
        raise _untyped(error.message) from error
    if known.type is None:
        raise _untyped("Mixpanel does not tell it.")
    return known


def _untyped(reason: str) -> UsageError:
    return UsageError(
        f"The report's type is unknown, and native depends on it: {reason}",
        hint="native needs credentials that can read bookmarks, and an id from inspect_bookmarks; "
        "leave native out for the report as it is saved.",
    )


async def _looked_up(mixpanel: Mixpanel, bookmark_id: int) -> Bookmark:
    path = f"{scope_of(mixpanel.target)}/bookmarks/{bookmark_id}"
    answer = await mixpanel.get("app", path, {"v": 2}, keep_s=freshness.DISCOVERY, aside=True)
    return bookmark_of(answer)


def bookmark_of(answer: Any) -> Bookmark:
    """One saved report; it comes in one envelope or in two."""
    return read(_BOOKMARK, unwrapped(unwrapped(answer)), "a saved report")


async def _insights(mixpanel: Mixpanel, bookmark_id: int, *, unknown: bool) -> SavedReport:
    params = {"bookmark_id": bookmark_id}
    try:
        found = await mixpanel.get(
            "query", "/insights", params, keep_s=freshness.OPEN_RANGE, zoned=True
        )
    except MixpanelError as error:
        if type(error) not in (MixpanelError, NotFoundError):
            raise
        if unknown and (report := await _perhaps_flows(mixpanel, bookmark_id)) is not None:
            return report
        # Mixpanel's own words, with the way to the right id.
        raise type(error)(
            error.message, hint="Look up the report's id and type with inspect_bookmarks."
        ) from error
    return report_of(found)


async def _perhaps_flows(mixpanel: Mixpanel, bookmark_id: int) -> SavedReport | None:
    """The one type that `/insights` refuses."""
    try:
        return await _flows(mixpanel, bookmark_id)
    except MixpanelError:
        return None


def report_of(found: Any) -> SavedReport:
    """The table of a saved report, with what Mixpanel says about its range and its limits."""
    answer = answer_of(found)
    table = table_of(answer)
    dates, meta = answer.date_range, answer.meta
    report = SavedReport.of(
        table.columns,
        table.rows,
        computed_at=answer.computed_at,
        # Days of the project's zone: the time after them says no more than where they end.
        from_date=dates.from_date[:10] if dates and dates.from_date else None,
        to_date=dates.to_date[:10] if dates and dates.to_date else None,
    )
    if meta and meta.is_segmentation_limit_hit:
        report.truncated = True
        report.hint = "Mixpanel left segments out: the report has too many. Filter it in Mixpanel."
    elif meta and meta.min_sampling_factor is not None and meta.min_sampling_factor < 1:
        report.hint = f"Mixpanel computed this from a sample ({meta.min_sampling_factor:.0%})."
    return report


async def _flows(mixpanel: Mixpanel, bookmark_id: int) -> SavedReport:
    found = await flows(mixpanel, bookmark_id)
    return _as_report(found, type="flows", conversion_rate=found.conversion_rate)


async def _native_funnel(
    mixpanel: Mixpanel, bookmark_id: int, from_date: date | None, to_date: date | None
) -> SavedReport:
    """A funnel's id is its bookmark's."""
    last = to_date or max(await mixpanel.today(), from_date or date.min)
    first = from_date or last - timedelta(days=DEFAULT_DAYS - 1)
    found = await funnel(mixpanel, bookmark_id, first, last)
    return _as_report(found, from_date=first.isoformat(), to_date=last.isoformat())


async def _native_retention(mixpanel: Mixpanel, bookmark_id: int) -> SavedReport:
    params = {"bookmark_id": bookmark_id}
    answer = await mixpanel.get(
        "query", "/retention", params, keep_s=freshness.OPEN_RANGE, zoned=True
    )
    return _as_report(retention_of(answer))


def _as_report(table: Rows, **more: Any) -> SavedReport:
    return SavedReport.of(table.columns, table.rows, **more)
