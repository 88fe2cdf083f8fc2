"""The tool fetch_events. Never reads an event in Python: files go from Mixpanel to the loader."""

from datetime import date

from pydantic import Field

from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.progress import Progress
from mp_mcp.results import Result
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.models import LoadReport
from mp_mcp.tool import tool
from mp_mcp.tools.params import Events, FromDate, Table, ToDate, Where, require_order
from mp_mcp.tools.storage.fetching import Fetching


class Fetched(Result):
    """What a fetch brought."""

    table: str
    from_date: str
    to_date: str
    days: int
    rows: int = Field(description="rows of these days, now in the table")
    duplicates: int = Field(default=0, description="rows dropped as duplicates")
    malformed: int = Field(default=0, description="lines that were no events")
    clamped: int = Field(default=0, description="rows moved to the nearest of these days")
    reject_files: list[str] = Field(
        default_factory=list, description="where malformed lines are kept"
    )
    new_columns: list[str] = Field(
        default_factory=list, description="properties that became a column by this fetch"
    )
    hint: str | None = None


@tool
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
) -> Fetched:
    """Download the raw events of these days from Mixpanel into a local table for query_sql.

    Days that are fetched again are replaced, so it is safe to repeat. Use it once per date range,
    then ask anything in SQL at no cost. A table keeps one `where`; use another table name for
    another filter. Each window of days costs one of the project's 60 exports per hour.
    Example: from_date="2025-01-01", to_date="2025-01-31".
    """
    require_order(from_date, to_date)
    # Write access first: a foreign lock must not cost export budget.
    await store.ready()
    days = from_date, to_date
    fetching = Fetching(mixpanel, store, progress, table, days, events=events, where=where)
    await fetching.run()
    return _summed(table, days, fetching.reports)


def _summed(table: str, days: tuple[date, date], reports: list[LoadReport]) -> Fetched:
    malformed = sum(report.malformed for report in reports)
    return Fetched(
        table=table,
        from_date=days[0].isoformat(),
        to_date=days[1].isoformat(),
        days=(days[1] - days[0]).days + 1,
        rows=sum(report.rows for report in reports),
        duplicates=sum(report.duplicates for report in reports),
        malformed=malformed,
        clamped=sum(report.clamped for report in reports),
        new_columns=sorted({name for report in reports for name in report.new_columns}),
        reject_files=[report.reject_file for report in reports if report.reject_file],
        hint=f"{malformed} lines were no events; see reject_files." if malformed else None,
    )
