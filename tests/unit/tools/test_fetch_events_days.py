"""Which days a fetch downloads, and what its answer, its progress and its errors say of them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from mp_mcp.error_groups import leading_error
from mp_mcp.errors import (
    FutureDayError,
    MixpanelUnavailableError,
    MpError,
    RateLimitedError,
    UsageError,
)
from mp_mcp.mixpanel.models import Window
from mp_mcp.store.models import LoadReport
from mp_mcp.tools.storage.fetch_events import Fetched, fetch_events
from tests.unit.tools.fake_export import FakeExport
from tests.unit.tools.fakes import FakeWriter, HeardProgress

pytestmark = pytest.mark.anyio

FIRST = date(2025, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(number)


def today() -> date:
    return datetime.now(UTC).date()


def exported(mixpanel: FakeExport) -> list[date]:
    """Every day that was asked for, in order."""
    return sorted(
        window.first + timedelta(number)
        for window in mixpanel.windows
        for number in range(window.days)
    )


async def fetch(
    mixpanel: FakeExport,
    store: FakeWriter,
    days: tuple[date, date] = (FIRST, FIRST + timedelta(9)),
    progress: HeardProgress | None = None,
    **more: Any,
) -> Fetched:
    """Fetch these days into `events`. Raises: the leading error."""
    first, last = days
    with anyio.fail_after(5):
        try:
            return await fetch_events(
                mixpanel, store, progress or HeardProgress(), from_date=first, to_date=last, **more
            )
        except BaseExceptionGroup as group:
            raise leading_error(group) from None


@pytest.fixture
def store(tmp_path: Path) -> FakeWriter:
    return FakeWriter(tmp_path)


async def test_only_missing_days_are_downloaded(store: FakeWriter) -> None:
    store.missing = {day(2), day(3), day(7)}
    mixpanel = FakeExport()
    found = await fetch(mixpanel, store)
    assert exported(mixpanel) == [day(2), day(3), day(7)]
    assert (found.days, found.days_fetched) == (10, 3)
    assert found.hint is None


async def test_complete_days_cost_nothing_and_the_answer_says_how_to_refresh(
    store: FakeWriter,
) -> None:
    store.missing = set()
    mixpanel = FakeExport()
    found = await fetch(mixpanel, store)
    assert (mixpanel.windows, store.loads) == ([], [])
    assert (found.days, found.days_fetched, found.rows_fetched) == (10, 0, 0)
    assert "refresh downloads them again" in str(found.hint)
    assert "spool opened" not in store.events


async def test_the_store_decides_with_everything_that_was_asked(store: FakeWriter) -> None:
    await fetch(FakeExport(), store, events=("A", "B"), where="x", refresh=True)
    planned = store.planned[0]
    assert (planned["table"], planned["days"]) == ("events", (day(0), day(9)))
    assert planned["events"] == ("A", "B")
    assert (planned["where"], planned["refresh"], planned["replace"]) == ("x", True, False)
    assert planned["since"] is None


async def test_replace_reaches_every_load_and_asks_for_no_day_twice(store: FakeWriter) -> None:
    mixpanel = FakeExport()
    await fetch(mixpanel, store, replace=True)
    assert {load["replace"] for load in store.loads} == {True}
    looks = {plan["days"] for plan in store.planned if plan["since"]}
    assert looks <= {(day(0), day(9))}, "nobody else's days count for a window"
    assert exported(mixpanel) == [day(number) for number in range(10)]


async def test_days_that_another_fetch_brought_meanwhile_are_left_out(store: FakeWriter) -> None:
    def first_export(_: Window) -> None:
        store.missing = {day(0)}

    mixpanel = FakeExport(before_export=first_export)
    found = await fetch(mixpanel, store, workers=1)
    assert exported(mixpanel) == [day(0)]
    assert (found.days, found.days_fetched) == (10, 1)


async def test_as_many_workers_as_asked_download_at_once(store: FakeWriter) -> None:
    running = most = 0
    all_here = anyio.Event()

    async def wait_for_all() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 5:
            all_here.set()
        await all_here.wait()
        running -= 1

    await fetch(FakeExport(before_export=lambda _: wait_for_all()), store, workers=5)
    assert most == 5


async def test_a_range_that_ends_later_than_today_ends_today_and_says_so(
    store: FakeWriter,
) -> None:
    mixpanel = FakeExport()
    found = await fetch(mixpanel, store, (today() - timedelta(1), today() + timedelta(30)))
    assert exported(mixpanel)[-1] <= today()
    assert (found.days, found.to_date) == (2, str(exported(mixpanel)[-1]))
    assert "It ends today" in str(found.hint)


async def test_a_range_in_the_future_is_refused_before_anything_is_touched(
    store: FakeWriter,
) -> None:
    with pytest.raises(UsageError, match="in the future") as caught:
        await fetch(FakeExport(), store, (today() + timedelta(2), today() + timedelta(3)))
    assert "Today is" in str(caught.value.hint)
    assert store.events == []


def not_begun(first: date) -> Callable[[Window], None]:
    """A project where this day has not begun."""

    def before(window: Window) -> None:
        if window.last >= first:
            raise FutureDayError("to_date cannot be later than today")

    return before


@pytest.mark.parametrize("days", [1, 4])
async def test_a_today_that_has_not_begun_in_the_project_shortens_the_range(
    store: FakeWriter, days: int
) -> None:
    last = today()
    mixpanel = FakeExport(before_export=not_begun(last))
    found = await fetch(mixpanel, store, (last - timedelta(days - 1), last))
    assert {load["days"][1] for load in store.loads} <= {last - timedelta(n) for n in range(1, 9)}
    assert (found.days, found.days_fetched) == (days - 1, days - 1)
    assert f"{last} has not begun in the project's time zone" in str(found.hint)


async def test_a_past_day_that_is_called_future_is_an_error(store: FakeWriter) -> None:
    with pytest.raises(FutureDayError):
        await fetch(FakeExport(before_export=not_begun(day(0))), store)
    assert store.loads == []


async def test_windows_are_as_few_as_the_hour_has_exports_left(store: FakeWriter) -> None:
    class NearlySpent(FakeExport):
        def exports_left(self) -> int | None:
            return 3

    mixpanel = NearlySpent()
    await fetch(mixpanel, store, (day(0), day(99)))
    assert len(mixpanel.windows) <= 3
    assert exported(mixpanel) == [day(number) for number in range(100)]


async def test_progress_counts_complete_days_of_the_whole_range(store: FakeWriter) -> None:
    store.missing = {day(number) for number in (6, 7, 8, 9)}
    progress = HeardProgress()
    await fetch(FakeExport(), store, progress=progress)
    assert progress.notes[0][:2] == (6, 10)
    assert progress.notes[-1][:2] == (10, 10)
    assert str(progress.notes[-1][2]).startswith("10 of 10 days, ")


def failing_at(number: int, error: MpError) -> Callable[[Window], None]:
    """An export that fails for this day."""

    def before(window: Window) -> None:
        if window.first <= day(number) <= window.last:
            raise error

    return before


async def test_an_error_says_which_part_is_safe(tmp_path: Path) -> None:
    loaded = anyio.Event()

    def load(**_: Any) -> LoadReport:
        loaded.set()
        return LoadReport(rows=1)

    async def fail_then() -> None:
        await loaded.wait()
        raise RateLimitedError("The hour is spent.", hint="Wait.")

    store = FakeWriter(tmp_path, on_load=load)
    store.missing = {day(0), day(1)}
    export = FakeExport(before_export=lambda w: fail_then() if w.first == day(1) else None)
    with pytest.raises(RateLimitedError) as caught:
        await fetch(export, store, (day(0), day(1)))
    assert caught.value.hint == (
        "Wait. 1 of 2 days are complete and stay; the same fetch gets the rest."
    )


async def test_an_error_before_any_load_says_that_nothing_was_loaded(store: FakeWriter) -> None:
    error = MixpanelUnavailableError("down", hint="Later.")
    with pytest.raises(MixpanelUnavailableError) as caught:
        await fetch(FakeExport(before_export=failing_at(0, error)), store, (day(0), day(0)))
    assert caught.value.hint == "Later. Nothing was loaded."


async def test_lines_that_were_no_events_are_told_with_their_file(tmp_path: Path) -> None:
    report = LoadReport(rows=1, malformed=2, reject_file="/rejects/1")
    found = await fetch(
        FakeExport(), FakeWriter(tmp_path, on_load=lambda **_: report), (FIRST, FIRST)
    )
    assert "2 lines were no events" in str(found.hint)
    assert found.reject_files == ["/rejects/1"]


async def test_a_cancelled_fetch_removes_its_spool_and_promises_no_time(tmp_path: Path) -> None:
    progress = HeardProgress()
    store = FakeWriter(tmp_path)
    async with anyio.create_task_group() as tasks:

        def hang(_: Window) -> Any:
            tasks.cancel_scope.cancel()
            return anyio.sleep_forever()

        tasks.start_soon(lambda: fetch(FakeExport(before_export=hang), store, progress=progress))
    assert store.events[-1] == "spool closed"
    assert "left" not in str(progress.notes[-1])
