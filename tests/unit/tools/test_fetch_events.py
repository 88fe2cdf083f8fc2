from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from mp_mcp.bounds import AGENT_BOUNDS
from mp_mcp.call import LocalCaller
from mp_mcp.errors import (
    DatabaseLockedError,
    IncompleteExportError,
    MixpanelUnavailableError,
    MpError,
    StoreError,
    UsageError,
)
from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.mixpanel.export import TRIES
from mp_mcp.mixpanel.models import Window
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.models import LoadReport
from mp_mcp.tool import Handle, Tool
from mp_mcp.tools.storage.fetch_events import Fetched, fetch_events
from tests.unit.tools.fake_export import FakeExport
from tests.unit.tools.fakes import FakeWriter, HeardProgress

pytestmark = pytest.mark.anyio

FIRST = date(2025, 1, 1)


def day(number: int) -> date:
    return FIRST + timedelta(number)


async def fetch(
    mixpanel: FakeExport, store: FakeWriter, days: int, **more: Any
) -> tuple[Fetched, HeardProgress]:
    """Fetch so many days into `events`."""
    progress = HeardProgress()
    with anyio.fail_after(5):
        found = await fetch_events(
            mixpanel, store, progress, from_date=day(0), to_date=day(days - 1), **more
        )
    return found, progress


async def test_every_day_is_fetched_and_loaded_once(tmp_path: Path) -> None:
    mixpanel, store = FakeExport(), FakeWriter(tmp_path)
    found, _ = await fetch(mixpanel, store, 7)
    exported = sorted((w.first, w.last) for w in mixpanel.windows)
    for ranges in (exported, sorted(load["days"] for load in store.loads)):
        lengths = [(first, (last - first).days + 1) for first, last in ranges]
        days = [first + timedelta(n) for first, length in lengths for n in range(length)]
        assert days == [day(n) for n in range(7)]
    assert (found.days, found.from_date) == (7, "2025-01-01")
    assert found.rows == 10 * len(store.loads)


async def test_a_broken_file_among_others_is_found_and_only_it_is_fetched_again(
    tmp_path: Path,
) -> None:
    left = [1]

    def load(days: tuple[date, date], **_: Any) -> LoadReport | Exception:
        if days[0] <= day(2) <= days[1] and left[0]:
            left[0] -= 1
            return IncompleteExportError("cut")
        return LoadReport(rows=(days[1] - days[0]).days + 1)

    mixpanel, store = FakeExport(), FakeWriter(tmp_path, on_load=load)
    found, _ = await fetch(mixpanel, store, 9)
    assert found.rows == 9
    exported = [window.first for window in mixpanel.windows]
    assert len(exported) - len(set(exported)) <= 1


async def test_a_year_is_fetched_in_few_windows_without_gap_or_overlap(tmp_path: Path) -> None:
    mixpanel, store = FakeExport(), FakeWriter(tmp_path)
    found, _ = await fetch(mixpanel, store, 365)
    loaded = sorted(load["days"] for load in store.loads)
    assert len(loaded) <= 50
    assert (loaded[0][0], loaded[-1][1]) == (day(0), day(364))
    for (_, last), (first, _) in pairwise(loaded):
        assert first == last + timedelta(1)
    assert found.days == 365


async def test_write_access_comes_before_any_export(tmp_path: Path) -> None:
    mixpanel = FakeExport()
    store = FakeWriter(tmp_path, refusal=DatabaseLockedError("A notebook has it."))
    with pytest.raises(DatabaseLockedError):
        await fetch(mixpanel, store, 3)
    assert (mixpanel.windows, store.events) == ([], ["ready"])


async def test_dates_in_the_wrong_order_touch_nothing(tmp_path: Path) -> None:
    store = FakeWriter(tmp_path)
    with pytest.raises(UsageError, match="before from_date"):
        await fetch(FakeExport(), store, 0)
    assert store.events == []


async def test_table_filter_and_events_reach_mixpanel_and_the_store(tmp_path: Path) -> None:
    mixpanel, store = FakeExport(), FakeWriter(tmp_path)
    found, _ = await fetch(mixpanel, store, 1, table="paid", events=("Buy",), where="x == 1")
    assert mixpanel.asked == [(("Buy",), "x == 1")]
    (load,) = store.loads
    assert (load["table"], load["events"], load["where"]) == ("paid", ("Buy",), "x == 1")
    assert found.table == "paid"


def failing(times: int, error: Callable[[], Exception], at: date) -> Callable[[Window], None]:
    """An export that fails so many times for one day."""
    left = [times]

    def before(window: Window) -> None:
        if window.first == at and left[0]:
            left[0] -= 1
            raise error()

    return before


async def test_a_truncation_that_only_the_loader_sees_is_fetched_again(tmp_path: Path) -> None:
    answers: list[LoadReport | Exception] = [IncompleteExportError("cut"), LoadReport(rows=4)]
    store = FakeWriter(tmp_path, on_load=lambda **_: answers.pop(0))
    mixpanel = FakeExport()
    found, _ = await fetch(mixpanel, store, 1)
    assert (len(mixpanel.windows), found.rows) == (2, 4)


async def test_a_window_that_is_always_truncated_fails_the_fetch(tmp_path: Path) -> None:
    mixpanel = FakeExport()
    store = FakeWriter(tmp_path, on_load=lambda **_: IncompleteExportError("cut"))
    with pytest.raises(ExceptionGroup) as caught:
        await fetch(mixpanel, store, 1)
    assert caught.group_contains(IncompleteExportError)
    assert len(mixpanel.windows) == 3
    assert store.events[-1] == "spool closed"


async def test_what_the_download_has_given_up_costs_no_more_exports(tmp_path: Path) -> None:
    before = failing(99, lambda: IncompleteExportError("broke off"), day(0))
    mixpanel, store = FakeExport(before_export=before), FakeWriter(tmp_path)
    with pytest.raises(ExceptionGroup) as caught:
        await fetch(mixpanel, store, 1)
    assert caught.group_contains(IncompleteExportError)
    assert (len(mixpanel.windows), store.loads) == (TRIES, [])


async def test_no_other_error_is_tried_again(tmp_path: Path) -> None:
    before = failing(1, lambda: MixpanelUnavailableError("down"), day(0))
    mixpanel = FakeExport(before_export=before)
    with pytest.raises(ExceptionGroup):
        await fetch(mixpanel, FakeWriter(tmp_path), 1)
    assert len(mixpanel.windows) == 1


class OurLender:
    """Lends the fakes."""

    project = "42"

    notice = None

    def __init__(self, mixpanel: MixpanelExport, store: StoreWriter) -> None:
        self._handles: dict[type[Handle], Handle] = {MixpanelExport: mixpanel, StoreWriter: store}

    def standing(self) -> "OurLender":
        """Always the same."""
        return self

    def notice_told(self) -> None:
        """There is nothing to tell."""

    async def lend(self, handle: type[Handle], **options: Any) -> Handle:
        """One of the two."""
        assert options == {}
        return self._handles[handle]


async def test_one_failing_window_surfaces_as_its_error(tmp_path: Path) -> None:
    before = failing(1, lambda: MixpanelUnavailableError("down"), day(0))
    lender = OurLender(FakeExport(before_export=before), FakeWriter(tmp_path))
    tool: Tool = fetch_events.__mp_tool__  # type: ignore[attr-defined]
    arguments = {"from_date": "2025-01-01", "to_date": "2025-01-09"}
    with pytest.raises(MpError) as caught:
        await LocalCaller({"fetch_events": tool}, lender, AGENT_BOUNDS).call(
            "fetch_events", arguments
        )
    assert type(caught.value) is MixpanelUnavailableError


async def test_three_windows_are_downloaded_side_by_side_and_no_more(tmp_path: Path) -> None:
    running, most = 0, 0
    three = anyio.Event()

    async def wait_for_three() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if running == 3:
            three.set()
        await three.wait()
        await anyio.lowlevel.checkpoint()
        running -= 1

    mixpanel = FakeExport(before_export=lambda _: wait_for_three())
    await fetch(mixpanel, FakeWriter(tmp_path), 9)
    assert most == 3


async def test_a_loaded_file_leaves_the_disk_at_once(tmp_path: Path) -> None:
    loaded: list[Path] = []
    kept: list[Path] = []

    def load(files: list[Path], **_: Any) -> LoadReport:
        kept.extend(path for path in loaded if path.exists())
        loaded.extend(files)
        return LoadReport(rows=1)

    await fetch(FakeExport(), FakeWriter(tmp_path, on_load=load), 12)
    assert (len(loaded) > 2, kept) == (True, [])
    assert not any(path.exists() for path in loaded)


async def test_progress_counts_windows_events_and_bytes(tmp_path: Path) -> None:
    store = FakeWriter(tmp_path)
    content = b"{}\n" + b"\n" * 1_000_000
    _, progress = await fetch(FakeExport(content=content), store, 4)
    assert progress.notes[-1] == (4, 4, f"4 of 4 days, {10 * len(store.loads)} events, 4.0 MB")
    done = [done for done, _, _ in progress.notes]
    assert done == sorted(done)
    assert {total for _, total, _ in progress.notes} == {4}


async def test_days_that_others_drop_meanwhile_are_fetched_again(tmp_path: Path) -> None:
    to_drop = [0]

    def load(days: tuple[date, date], **_: Any) -> LoadReport:
        if days[1] == day(6) and to_drop:
            del store.loads[to_drop.pop()]
        return LoadReport(rows=1)

    store = FakeWriter(tmp_path, on_load=load)
    mixpanel = FakeExport()
    await fetch(mixpanel, store, 7, replace=True)
    asked = [window.first for window in mixpanel.windows]
    assert len(asked) == len(set(asked)) + 1
    assert {day for load in store.loads for day in load["days"]} >= {day(0), day(6)}


async def test_a_table_that_is_dropped_again_and_again_fails_the_fetch(tmp_path: Path) -> None:
    store = FakeWriter(tmp_path)
    store.forgets = True
    with pytest.raises(StoreError, match="again and again"):
        await fetch(FakeExport(), store, 1)


async def test_the_report_is_the_sum_over_all_windows(tmp_path: Path) -> None:
    def reported(days: tuple[date, date], **_: Any) -> LoadReport:
        number = days[0].day
        return LoadReport(
            rows=number,
            duplicates=1,
            malformed=2,
            clamped=3,
            new_columns=["plan", f"p{number}"],
            reject_file=f"/rejects/{number}" if number == 1 else None,
        )

    store = FakeWriter(tmp_path, on_load=reported)
    found, _ = await fetch(FakeExport(), store, 3)
    numbers = [load["days"][0].day for load in store.loads]
    loads = len(numbers)
    assert (found.rows, found.duplicates) == (sum(numbers), loads)
    assert (found.malformed, found.clamped) == (2 * loads, 3 * loads)
    assert found.new_columns == [*(f"p{number}" for number in sorted(numbers)), "plan"]
    assert found.reject_files == ["/rejects/1"]
