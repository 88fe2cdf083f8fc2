"""The tool fetch_events. Never reads an event in Python: files go from Mixpanel to the loader."""

from datetime import UTC, date, datetime

from pydantic import Field

from mp_mcp.errors import UsageError
from mp_mcp.jobs import JobResult
from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.progress import Progress
from mp_mcp.store.handles import StoreWriter
from mp_mcp.tool import tool
from mp_mcp.tools.fetch_params import Refresh, Replace, TimeZone, Workers
from mp_mcp.tools.params import Events, FromDate, Table, ToDate, Where, require_order
from mp_mcp.tools.storage.asked import Asked
from mp_mcp.tools.storage.fetching import Fetching


class Fetched(JobResult):
    """What a fetch brought."""

    table: str | None = None
    from_date: str | None = None
    to_date: str | None = None
    days: int | None = Field(default=None, description="days of the range, all complete now")
    days_fetched: int | None = Field(
        default=None, description="days that were downloaded; the others were complete before"
    )
    rows: int | None = Field(default=None, description="rows of the range, now in the table")
    rows_fetched: int | None = Field(default=None, description="those that were downloaded now")
    duplicates: int | None = Field(default=None, description="rows dropped as duplicates")
    malformed: int | None = Field(default=None, description="lines that were no events")
    clamped: int | None = Field(default=None, description="rows moved to the nearest of these days")
    repaired: int | None = Field(
        default=None, description="rows whose broken characters became U+FFFD"
    )
    reject_files: list[str] | None = Field(
        default=None, description="where malformed lines are kept"
    )
    new_columns: list[str] | None = Field(
        default=None, description="properties that became a column by this fetch"
    )


@tool(job=True, essential=True)
async def fetch_events(
    mixpanel: MixpanelExport,
    store: StoreWriter,
    progress: Progress,
    table: Table = "events",
    *,
    from_date: FromDate,
    to_date: ToDate,
    events: Events = (),
    where: Where = None,
    refresh: Refresh = False,
    replace: Replace = False,
    workers: Workers = 3,
    time_zone: TimeZone = None,
) -> Fetched:
    """Download the raw events of these days from Mixpanel into a local table for query_sql.

    Use it once per range of days, then ask anything in SQL at no cost. Not for one quick series:
    use query_segmentation. Safe and cheap to repeat: only days that are missing, or that late
    events may still change, are downloaded; a window of days costs 1 of 60 exports per hour. A job:
    after 30 s it answers state "running"; then call wait_job. A table keeps one `where`: name
    another table for another filter.
    Example: from_date="2025-01-01", to_date="2025-01-31".
    """
    days = _until_today(from_date, to_date)
    asked = Asked(table, days, events, where, refresh, replace, workers)
    zone = await _zone(mixpanel, time_zone)
    # Write access first: a foreign lock must not cost export budget.
    wanted = await store.days_to_fetch(**asked.days_wanted(), zone=zone)
    fetching = Fetching(mixpanel, store, progress, asked, wanted)
    if wanted:
        await fetching.run()
    if zone is not None:
        await store.show_utc(table, zone)
    rows = await store.count_rows(table, asked.days, events=events)
    return _summed(asked, to_date, fetching, rows)


def _until_today(from_date: date, to_date: date) -> tuple[date, date]:
    """The days of the range that have begun. Raises: UsageError when none has."""
    require_order(from_date, to_date)
    today = datetime.now(UTC).date()
    if from_date > today:
        raise UsageError(f"{from_date} is in the future.", hint=f"Today is {today} (UTC).")
    return from_date, min(to_date, today)


async def _zone(mixpanel: MixpanelExport, wanted: str | None) -> str | None:
    """The name of the zone. Raises: UsageError when Mixpanel does not tell the project's own."""
    if wanted != "project":
        return wanted
    found = await mixpanel.zone()
    if found is None:
        raise UsageError(
            "Mixpanel does not tell the project's time zone.",
            hint='Name it yourself, e.g. time_zone="Europe/Lisbon": it is in the project settings.',
        )
    return found


def _summed(asked: Asked, to_date: date, fetching: Fetching, rows: int) -> Fetched:
    first, last = asked.days
    reports = fetching.reports
    not_yet = 1 if fetching.not_yet else 0
    found = Fetched(
        table=asked.table,
        from_date=first.isoformat(),
        to_date=last.isoformat(),
        days=(last - first).days + 1 - not_yet,
        days_fetched=fetching.days_loaded,
        rows=rows,
        rows_fetched=sum(report.rows for report in reports),
        duplicates=sum(report.duplicates for report in reports),
        malformed=sum(report.malformed for report in reports),
        clamped=sum(report.clamped for report in reports),
        repaired=sum(report.repaired for report in reports),
        new_columns=sorted({name for report in reports for name in report.new_columns}),
        reject_files=[report.reject_file for report in reports if report.reject_file],
    )
    found.hint = " ".join(_hints(found, to_date, fetching.not_yet)) or None
    return found


def _hints(found: Fetched, to_date: date, not_yet: date | None) -> list[str]:
    told = []
    if found.malformed:
        told.append(f"{found.malformed} lines were no events; see reject_files.")
    if found.repaired:
        told.append(f"{found.repaired} rows had broken characters: U+FFFD stands for them now.")
    if not found.days_fetched:
        told.append("All these days were complete already; refresh downloads them again.")
    if found.to_date and found.to_date < to_date.isoformat():
        told.append(f"It ends today, {found.to_date} (UTC).")
    if not_yet:
        told.append(f"{not_yet} has not begun in the project's time zone.")
    return told
