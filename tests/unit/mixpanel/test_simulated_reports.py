"""The readers of reports against the simulator's answers over real sockets."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date

import pytest

from mp_mcp.demo.running import Running, simulator
from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.bookmarks import BookmarkType, bookmarks
from mp_mcp.mixpanel.client import Mixpanel, MixpanelExport
from mp_mcp.mixpanel.engage import ProfilePage, Selection, crawl_profiles
from mp_mcp.mixpanel.flows import flows
from mp_mcp.mixpanel.frequency import frequency
from mp_mcp.mixpanel.funnels import funnel
from mp_mcp.mixpanel.http import Http, make_client
from mp_mcp.mixpanel.jql import jql
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.mixpanel.retention import retention
from mp_mcp.mixpanel.saved_report import saved_report

from .conftest import unspent

pytestmark = pytest.mark.anyio

SWITCHES = {
    "retention_nesting": "segment",
    "retention_unit_interval_refused": True,
    "addiction_bare": False,
    "engage_page_size": 1000,
    "jql": "on",
}


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with simulator(days=7) as one:
        yield one


@pytest.fixture
def sim(running: Running) -> Running:
    """The simulator as it was at its start."""
    running.clear_faults()
    running.switch(**SWITCHES)
    return running


@asynccontextmanager
async def transport(sim: Running) -> AsyncIterator[Http]:
    known = sim.environ()
    credentials = Credentials("service_account", known["MP_SECRET"], known["MP_USERNAME"])
    target = Target(credentials, known["MP_PROJECT_ID"], base_url=sim.base_url)
    async with make_client() as pool:
        yield Http(pool, target, unspent())


def days_of(sim: Running) -> tuple[date, date]:
    story = sim.story()
    return date.fromisoformat(story["first_day"]), date.fromisoformat(story["last_day"])


async def first_id(mixpanel: Mixpanel, kind: BookmarkType) -> int:
    return (await bookmarks(mixpanel, kind))[0].id


async def test_the_first_step_of_a_funnel_is_the_same_in_every_breakdown(sim: Running) -> None:
    async with transport(sim) as http:
        mixpanel = Mixpanel(http)
        funnel_id = await first_id(mixpanel, "funnels")
        whole = await funnel(mixpanel, funnel_id, *days_of(sim))
        parts = await funnel(mixpanel, funnel_id, *days_of(sim), on="plan")
    assert whole.rows[0][2] > 0
    assert [row[1:] for row in parts.rows if row[0] == "$overall"] == whole.rows
    starts = [row[3] for row in parts.rows if row[1] == 1]
    assert sum(starts) == 2 * whole.rows[0][2]
    assert starts[1:] == sorted(starts[1:], reverse=True)


async def test_as_many_users_are_born_as_sign_up(sim: Running) -> None:
    async with transport(sim) as http:
        daily = await retention(Mixpanel(http), "Signup", *days_of(sim), interval_count=2)
        weekly = await retention(Mixpanel(http), "Signup", *days_of(sim), interval=7)
        by_plan = await retention(Mixpanel(http), "Signup", *days_of(sim), on="plan")
    signed_up = sim.truth(event="Signup")["users"]
    assert sum(row[1] for row in daily.rows) == signed_up > 0
    assert sum(row[1] for row in weekly.rows) == signed_up
    assert {row[1] for row in by_plan.rows if row[2]} == {row[0] for row in daily.rows if row[1]}
    assert by_plan.columns[:3] == ["segment", "date", "users"]


@pytest.mark.parametrize("bare", [False, True])
async def test_frequency_counts_every_active_user_of_a_day(sim: Running, bare: bool) -> None:
    sim.switch(addiction_bare=bare)
    first, _ = days_of(sim)
    async with transport(sim) as http:
        found = await frequency(Mixpanel(http), first, first, event="Login")
    users = sim.truth(event="Login", from_date=str(first), to_date=str(first))["users"]
    assert found.rows[0][:2] == [str(first), users]
    assert found.rows[0][1:] == sorted(found.rows[0][1:], reverse=True)


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize("kind", ["insights", "funnels", "retention", "flows"])
async def test_every_type_of_report_is_a_table(
    sim: Running, kind: BookmarkType, native: bool
) -> None:
    async with transport(sim) as http:
        report = await saved_report(
            Mixpanel(http), await first_id(Mixpanel(http), kind), native=native
        )
    assert (report.type, report.name is not None) == (kind, True)
    assert report.row_count > 0
    assert all(len(row) == len(report.columns) for row in report.rows)


async def test_retention_reports_are_the_same_in_both_nestings(sim: Running) -> None:
    async with transport(sim) as http:
        saved = [found.id for found in await bookmarks(Mixpanel(http), "retention")][:5]
        usual = [await saved_report(Mixpanel(http), report) for report in saved]
        sim.switch(retention_nesting="date")
        others = [await saved_report(Mixpanel(http), report) for report in saved]
    for one, other in zip(usual, others, strict=True):
        # Only the one with the segment outside has the average.
        place = one.columns.index("date")
        assert one.columns == other.columns
        assert [row for row in one.rows if row[place] != "$average"] == other.rows


async def test_flows_have_as_many_users_in_every_view(sim: Running) -> None:
    async with transport(sim) as http:
        report = await first_id(Mixpanel(http), "flows")
        sankey = await flows(Mixpanel(http), report)
        tree = await flows(Mixpanel(http), report, "tree")
        paths = await flows(Mixpanel(http), report, "paths")
    anchors = [row[3] for row in sankey.rows if row[2] == "ANCHOR" and row[4] is None]
    assert sum(anchors) == sum(row[5] for row in tree.rows if row[1] is None) > 0
    assert paths.columns[0] == "path"
    assert paths.row_count > 0


async def test_scripts_count_the_truth_until_jql_ends(sim: Running) -> None:
    first, last = days_of(sim)
    script = (
        f"function main() {{ return Events({{from_date: '{first}', to_date: '{last}'}})"
        ".groupBy(['name'], mixpanel.reducer.count()) }"
    )
    async with transport(sim) as http:
        found = await jql(Mixpanel(http), script)
        assert dict(found.rows) == sim.truth()["by_event"]
        for ending in ("404", "410", "400", "403"):
            sim.switch(jql=ending)
            with pytest.raises(MixpanelError, match="not available"):
                await jql(Mixpanel(http), script)


@pytest.mark.parametrize("size", [200, 1000])
async def test_every_profile_comes_once(sim: Running, size: int) -> None:
    sim.switch(engage_page_size=size)
    pages: list[ProfilePage] = []

    async def take(page: ProfilePage) -> None:
        pages.append(page)

    async with transport(sim) as http:
        await crawl_profiles(MixpanelExport(http), Selection(), take)
    ids = [profile.distinct_id for page in pages for profile in page.profiles]
    assert len(ids) == len(set(ids)) == pages[0].total
    assert len(pages) == -(-len(ids) // size)
