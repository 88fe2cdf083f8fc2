"""The tool fetch_profiles. Never reads a property: its text goes from Mixpanel to the loader."""

from pathlib import Path
from typing import Annotated

import anyio
from pydantic import Field

from mp_mcp.jobs import JobResult
from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.mixpanel.engage import ProfilePage, Selection, crawl_profiles
from mp_mcp.mixpanel.on_disk import on_disk
from mp_mcp.mixpanel.profile_spool import ProfileSpool
from mp_mcp.progress import Progress
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.models import ProfileChoice, ProfilesReport
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.fetch_params import Cohort, DistinctIds, OutputProperties
from mp_mcp.tools.params import Table, Where

Replace = Annotated[
    bool,
    Flag("--replace"),
    Field(description="Start over: forget the table's profiles, columns and filter first"),
]


class FetchedProfiles(JobResult):
    """What a fetch of profiles brought, compared with the table before."""

    table: str | None = None
    rows: int | None = Field(default=None, description="profiles now in the table")
    new: int | None = None
    changed: int | None = None
    gone: int | None = Field(default=None, description="removed: Mixpanel no longer has them")
    unchanged: int | None = None
    duplicates: int | None = Field(default=None, description="came twice; the later one was kept")
    new_columns: list[str] | None = Field(
        default=None, description="properties that became a column by this fetch"
    )


@tool(job=True)
async def fetch_profiles(
    mixpanel: MixpanelExport,
    store: StoreWriter,
    progress: Progress,
    table: Table = "profiles",
    *,
    where: Where = None,
    cohort: Cohort = None,
    output_properties: OutputProperties = (),
    distinct_ids: DistinctIds = (),
    replace: Replace = False,
) -> FetchedProfiles:
    """Download user profiles from Mixpanel into a local table for query_sql.

    Use it to join what users are with what they do, on distinct_id. Not for one user: use
    query_activity_feed. A repeated fetch updates the table, and says what is new, changed and gone.
    A table keeps its where, cohort and output_properties: name another table for others. Costs 1
    query. A job, as fetch_events is.
    Example: output_properties=["plan", "$email"].
    """
    choice = ProfileChoice(
        where=where, cohort=cohort, output_properties=output_properties, distinct_ids=distinct_ids
    )
    selection = Selection(
        where=where,
        cohort_id=cohort,
        output_properties=output_properties,
        distinct_ids=distinct_ids,
    )
    # A lock, or a table of another meaning, must not cost a query.
    await store.require_profiles(table, choice, replace=replace)
    async with store.spool() as folder:
        files = await _Crawl(folder, progress).run(mixpanel, selection)
        report = await store.load_profiles(table, files, choice, replace=replace)
    return _told(table, report)


class _Crawl:
    """Pages on their way to the disk, written one at a time."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._spool = ProfileSpool(folder)
        self._progress = progress
        self._turn = anyio.Lock()
        self._done = 0
        self._total: int | None = None

    async def run(self, mixpanel: MixpanelExport, selection: Selection) -> list[Path]:
        """The files with all profiles."""
        try:
            await crawl_profiles(mixpanel, selection, self._take)
        finally:
            with anyio.CancelScope(shield=True):
                await on_disk(self._spool.close)
        await self._tell("; writing them into the table")
        return self._spool.files

    async def _take(self, page: ProfilePage) -> None:
        async with self._turn:
            await on_disk(self._spool.write, page)
            self._done += len(page.profiles)
            self._total = page.total
            await self._tell()

    async def _tell(self, more: str = "") -> None:
        total = None if self._total is None else max(self._total, self._done)
        of = "" if total is None else f" of {total:,}"
        await self._progress(self._done, total, f"{self._done:,}{of} profiles{more}")


def _told(table: str, report: ProfilesReport) -> FetchedProfiles:
    hint = None
    if report.duplicates:
        hint = (
            f"{report.duplicates:,} profiles came twice, because they moved while the pages were "
            "read: as many others may be missing. Fetch again to be sure."
        )
    elif not report.rows:
        hint = f"No profile matches: {table} is empty."
    return FetchedProfiles(table=table, hint=hint, **report.model_dump(exclude={"partial"}))
