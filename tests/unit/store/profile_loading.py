"""Loads profiles into a database in memory, from pages as Mixpanel sends them.

Never checks anything itself.
"""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from mp_mcp.mixpanel.engage import ProfilePage
from mp_mcp.mixpanel.profile_spool import ProfileSpool
from mp_mcp.mixpanel.profile_text import page_of
from mp_mcp.store import profile_merge, profile_stage
from mp_mcp.store.models import ProfileChoice, ProfilesReport
from tests.unit.store.loading import Loader

Profiles = dict[str, dict[str, object]]
EVERYBODY = ProfileChoice()

_numbers = itertools.count()


def spooled(folder: Path, pages: Sequence[str]) -> list[Path]:
    """The files of a crawl whose pages have these `results`, the last page first."""
    spool = ProfileSpool(Path(mkdtemp(dir=folder)))
    for number, results in reversed(list(enumerate(pages))):
        answer = page_of(f'{{"results": [{results}]}}'.encode())
        spool.write(ProfilePage(number, answer["results"], None))
    spool.close()
    return spool.files


def entries(profiles: Profiles) -> str:
    """The results of one page."""
    return ",".join(
        json.dumps({"$distinct_id": one, "$properties": properties})
        for one, properties in profiles.items()
    )


def load_pages(
    loader: Loader,
    pages: Sequence[str],
    choice: ProfileChoice = EVERYBODY,
    *,
    table: str = "profiles",
    replace: bool = False,
    job_id: str | None = None,
) -> ProfilesReport:
    """Stage and merge in a transaction, as the write queue does."""
    files = spooled(loader.folder, pages)
    staged = profile_stage.stage_profiles(loader.cursor, table, files, afresh=replace)
    loader.cursor.execute("BEGIN")
    try:
        report = profile_merge.merge_profiles(
            loader.cursor,
            staged,
            choice,
            replace=replace,
            job_id=job_id or f"profiles-{next(_numbers)}",
        )
    except BaseException:
        loader.cursor.execute("ROLLBACK")
        raise
    loader.cursor.execute("COMMIT")
    return report


def load(
    loader: Loader,
    profiles: Profiles,
    choice: ProfileChoice = EVERYBODY,
    *,
    table: str = "profiles",
    replace: bool = False,
) -> ProfilesReport:
    """Load a page of these."""
    pages = [entries(profiles)] if profiles else []
    return load_pages(loader, pages, choice, table=table, replace=replace)


def stored(loader: Loader, table: str = "profiles") -> Profiles:
    """Every profile of the table, decoded."""
    rows = loader.rows(f"SELECT distinct_id, properties FROM {table}")
    return {str(one): json.loads(str(text)) for one, text in rows}


def counts(report: ProfilesReport) -> tuple[int, int, int, int]:
    """New, changed, gone, unchanged."""
    return report.new, report.changed, report.gone, report.unchanged
