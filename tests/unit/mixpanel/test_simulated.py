import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from mp_mcp.demo.running import Running, simulator
from mp_mcp.errors import (
    CredentialsError,
    HistoryLimitError,
    MixpanelError,
    MixpanelUnavailableError,
    MpError,
    PlanError,
)
from mp_mcp.mixpanel.bookmarks import bookmarks
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.event_names import event_names
from mp_mcp.mixpanel.export import export_window
from mp_mcp.mixpanel.http import Http, make_client
from mp_mcp.mixpanel.me import me
from mp_mcp.mixpanel.models import CredentialKind, Credentials, ExportedFile, Target, Window
from mp_mcp.mixpanel.segmentation import segmentation
from mp_mcp.mixpanel.transport import Transport

from .conftest import unspent

pytestmark = pytest.mark.anyio

SWITCHES = {
    "limits": False,
    "expired": False,
    "auth_error": 401,
    "history_days": 0,
    "bookmarks_envelope": "plain",
    "bookmarks_params": "object",
}


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with simulator(days=3) as one:
        yield one


@pytest.fixture
def sim(running: Running) -> Running:
    """The simulator as it was at its start."""
    running.clear_faults()
    running.clear_requests()
    running.switch(**SWITCHES)
    return running


def target_of(sim: Running) -> Target:
    known = sim.environ()
    credentials = Credentials("service_account", known["MP_SECRET"], known["MP_USERNAME"])
    return Target(credentials, known["MP_PROJECT_ID"], base_url=sim.base_url)


@asynccontextmanager
async def asking(sim: Running, target: Target | None = None) -> AsyncIterator[Transport]:
    """A transport whose pauses pass on the simulator's clock, at once."""

    async def sleep(seconds: float) -> None:
        sim.advance(seconds)

    async with make_client() as pool:
        yield Http(pool, target or target_of(sim), unspent(), sleep=sleep)


async def export(transport: Transport, folder: Path, window: Window, *events: str) -> ExportedFile:
    return await export_window(
        transport, folder, window, events=events, where=None, on_bytes=lambda _count: None
    )


def days_of(sim: Running) -> tuple[date, date]:
    story = sim.story()
    return date.fromisoformat(story["first_day"]), date.fromisoformat(story["last_day"])


def events_in(path: Path) -> Counter[str]:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return Counter(json.loads(line)["event"] for line in content.splitlines())


def most_frequent_event(sim: Running) -> str:
    return str(max(sim.truth()["by_event"].items(), key=lambda item: item[1])[0])


def nonzero(events: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in events.items() if count}


async def test_event_names_and_counts_are_the_truth(sim: Running) -> None:
    first, last = days_of(sim)
    async with asking(sim) as transport:
        assert set(await event_names(Mixpanel(transport))) >= set(sim.truth()["by_event"])
        event = most_frequent_event(sim)
        series = await segmentation(Mixpanel(transport), event, first, last)
    right = sim.truth(event=event)["by_day"]
    assert series.columns == ["date", event]
    assert nonzero({str(day): int(count) for day, count in series.rows}) == right


async def test_a_breakdown_is_the_truth(sim: Running) -> None:
    first, last = days_of(sim)
    event = most_frequent_event(sim)
    async with asking(sim) as transport:
        series = await segmentation(Mixpanel(transport), event, first, last, on="$city", limit=1000)
    totals = {
        name: sum(int(row[position]) for row in series.rows)
        for position, name in enumerate(series.columns[1:], start=1)
    }
    assert totals == sim.truth(event=event, property="$city")["values"]


async def test_an_export_holds_every_row(sim: Running, tmp_path: Path) -> None:
    async with asking(sim) as transport:
        exported = await export(transport, tmp_path, Window(*days_of(sim)))
    assert exported.path.suffix == ".gz"
    assert events_in(exported.path).total() == sim.truth()["rows"]


async def test_an_export_of_one_event_holds_only_that(sim: Running, tmp_path: Path) -> None:
    event = most_frequent_event(sim)
    async with asking(sim) as transport:
        exported = await export(transport, tmp_path, Window(*days_of(sim)), event)
    assert dict(events_in(exported.path)) == {event: sim.truth(event=event)["rows"]}


@pytest.mark.parametrize(
    "order",
    [
        {"fault": "terminated_early"},
        {"fault": "terminated_early", "after": 0},
        {"fault": "terminated_early", "text": "export terminated early"},
        {"fault": "error_json_line"},
        {"fault": "cut"},
        {"fault": "cut", "after": 0},
        {"fault": "broken_gzip"},
        {"fault": "status", "status": 500},
        {"fault": "status", "status": 502},
        {"fault": "status", "status": 429, "headers": {"Retry-After": "1"}},
        {"fault": "load_shed"},
    ],
    ids=str,
)
async def test_an_export_survives_one_fault(
    sim: Running, tmp_path: Path, order: dict[str, Any]
) -> None:
    first, last = days_of(sim)
    sim.fault("/api/2.0/export", **order)
    async with asking(sim) as transport:
        exported = await export(transport, tmp_path, Window(first, last))
    assert events_in(exported.path).total() == sim.truth()["rows"]
    assert len(sim.requests("/api/2.0/export")) == 2


@pytest.mark.parametrize("fault", ["malformed_line", "split_line", "duplicate_rows"])
async def test_odd_lines_inside_an_export_are_left_to_the_loader(
    sim: Running, tmp_path: Path, fault: str
) -> None:
    first, last = days_of(sim)
    sim.fault("/api/2.0/export", fault)
    async with asking(sim) as transport:
        exported = await export(transport, tmp_path, Window(first, last))
    assert len(gzip.decompress(exported.path.read_bytes()).splitlines()) > sim.truth()["rows"]
    assert len(sim.requests("/api/2.0/export")) == 1


async def test_many_exports_at_once_stay_below_the_limit_per_second(
    sim: Running, tmp_path: Path
) -> None:
    _, last = days_of(sim)
    sim.advance(3700)
    sim.switch(limits=True)
    async with asking(sim) as transport, anyio.create_task_group() as group:
        for back in range(5):
            day = last - timedelta(days=back)
            group.start_soon(export, transport, tmp_path, Window(day, day))
    assert len(list(tmp_path.glob("events-*.ndjson*"))) == 5  # noqa: ASYNC240


@pytest.mark.parametrize("status", [401, 400])
async def test_a_wrong_secret_is_a_matter_of_credentials(sim: Running, status: int) -> None:
    first, last = days_of(sim)
    sim.switch(auth_error=status)
    wrong = replace(
        target_of(sim), credentials=Credentials("service_account", "wrong!", "demo.svc")
    )
    async with asking(sim, wrong) as transport:
        with pytest.raises(CredentialsError):
            await event_names(Mixpanel(transport))
        with pytest.raises(CredentialsError):
            await export(transport, Path(), Window(first, last))
        with pytest.raises(CredentialsError):
            await me(transport)


@pytest.mark.parametrize(
    ("kind", "secret"), [("project_secret", "shop-project-secret"), ("oauth", "demo-token")]
)
async def test_other_kinds_of_credentials_work(
    sim: Running, tmp_path: Path, kind: CredentialKind, secret: str
) -> None:
    first, last = days_of(sim)
    target = replace(target_of(sim), credentials=Credentials(kind, secret))
    async with asking(sim, target) as transport:
        assert await event_names(Mixpanel(transport))
        exported = await export(transport, tmp_path, Window(first, last))
    assert events_in(exported.path).total() == sim.truth()["rows"]


async def test_another_accounts_project_is_refused(sim: Running) -> None:
    async with asking(sim, replace(target_of(sim), project_id="2002")) as transport:
        with pytest.raises(PlanError):
            await event_names(Mixpanel(transport))
        with pytest.raises(PlanError):
            await bookmarks(Mixpanel(transport))


@pytest.mark.parametrize(("envelope", "params"), [("plain", "string"), ("double", "object")])
async def test_saved_reports_are_read_in_every_variant(
    sim: Running, envelope: str, params: str
) -> None:
    async with asking(sim) as transport:
        usual = await bookmarks(Mixpanel(transport))
        sim.switch(bookmarks_envelope=envelope, bookmarks_params=params)
        assert await bookmarks(Mixpanel(transport)) == usual
        assert all(isinstance(report.params, dict) for report in usual)
        funnels = await bookmarks(Mixpanel(transport), type="funnels")
    assert funnels == [report for report in usual if report.type == "funnels"]
    assert funnels


async def test_a_data_view_has_its_reports_and_counts(sim: Running) -> None:
    async with asking(sim) as transport:
        found = await me(transport)
        usual = await bookmarks(Mixpanel(transport))
    (view,) = found.workspaces
    async with asking(sim, replace(target_of(sim), workspace_id=view.id)) as transport:
        assert await bookmarks(Mixpanel(transport)) == usual
        assert await event_names(Mixpanel(transport))
    project = found.project("1001")
    assert project is not None
    assert (project.region, project.role) == ("us", "analyst")


async def test_a_limited_history_is_asked_for_what_it_keeps(sim: Running) -> None:
    sim.switch(history_days=30)
    async with asking(sim) as transport:
        assert await event_names(Mixpanel(transport))
        with pytest.raises(HistoryLimitError, match="30 days"):
            await segmentation(Mixpanel(transport), "Login", date(2020, 1, 1), date(2020, 1, 2))


async def test_tomorrow_is_refused_with_a_hint_about_time_zones(
    sim: Running, tmp_path: Path
) -> None:
    _, last = days_of(sim)
    async with asking(sim) as transport:
        with pytest.raises(MixpanelError) as caught:
            await export(transport, tmp_path, Window(last, last + timedelta(days=9)))
    assert "time zone" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"fault": "error_200"}, MixpanelError),
        ({"fault": "redirect"}, PlanError),
        ({"fault": "status", "status": 402}, PlanError),
        ({"fault": "status", "status": 403, "body": {"error": "no role"}}, PlanError),
        ({"fault": "status", "status": 400, "body": "bad expression"}, MixpanelError),
        ({"fault": "status", "status": 500, "times": None}, MixpanelUnavailableError),
        ({"fault": "status", "status": 503, "times": None}, MixpanelUnavailableError),
        ({"fault": "cut", "after": 10, "times": None}, MixpanelUnavailableError),
    ],
    ids=str,
)
async def test_each_fault_has_its_error(
    sim: Running, order: dict[str, Any], expected: type[MpError]
) -> None:
    sim.fault("/api/query/segmentation", **order)
    async with asking(sim) as transport:
        with pytest.raises(expected) as caught:
            await segmentation(Mixpanel(transport), "Login", *days_of(sim))
    assert type(caught.value) is expected
    assert "demo-secret" not in f"{caught.value.message} {caught.value.hint}"
