"""The history: complete, bounded, through restarts, and never the reason that a call fails."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.errors import MpError, SettingsError
from mp_mcp.history import Entry, Wanted
from mp_mcp.results import Rows
from mp_mcp.server import history as module
from mp_mcp.server.calls import Call, Client
from mp_mcp.server.history import History
from mp_mcp.server.job_table import JobTable, Record
from mp_mcp.server.running_job import Running
from mp_mcp.state import State, open_state

pytestmark = pytest.mark.anyio

HUMAN = Client("mp pid 1", is_human=True)
AGENT = Client("mp-mcp pid 2", is_human=False)
ALL = Wanted(limit=1000)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    found = open_state(tmp_path / "state.db")
    yield found
    found.close()


@pytest.fixture
def history(state: State) -> History:
    return History(lambda: state, 30)


def called(history: History, client: Client = HUMAN, tool: str = "query_sql", **more: Any) -> Call:
    """A call that went well, noted."""
    arguments = more.pop("arguments", {"sql": "SELECT 1"})
    call = Call(history.next_number(), client, tool, arguments, **more)
    call.answered(Rows.of(["a"], [[1], [2]]))
    history.record(call)
    return call


def ids(entries: list[Entry]) -> list[int]:
    return [entry.id for entry in entries]


async def test_a_call_is_remembered_with_what_it_did(history: History) -> None:
    call = called(history, project="us/1", asks_mixpanel=True)
    (entry,) = history.entries(ALL)
    assert (entry.id, entry.client, entry.is_human) == (call.number, "mp pid 1", True)
    assert (entry.tool, entry.arguments) == ("query_sql", {"sql": "SELECT 1"})
    assert (entry.outcome, entry.rows, entry.units, entry.cached) == ("ok", 2, 0, False)
    assert entry.as_dict()["project"] == "1"
    assert entry.is_exact


async def test_the_filters_find_what_they_name(history: History) -> None:
    AGENT.program = "Claude Code"
    called(history, project="us/1")
    called(history, AGENT, project="us/1")
    called(history, AGENT, tool="inspect_events", project="us/2")
    called(history, HUMAN, tool="wait_job")
    for wanted, found in (
        (Wanted(), [3, 2, 1]),
        (Wanted(limit=2), [3, 2]),
        (Wanted(client="human"), [1]),
        (Wanted(client="Agents"), [3, 2]),
        (Wanted(client="claude"), [3, 2]),
        (Wanted(client="pid 1"), [1]),
        (Wanted(tool="query sql"), [2, 1]),
        (Wanted(tool="wait_job"), [4]),
        (Wanted(number=4, waits=True), [4]),
        (Wanted(project="us/2"), [3]),
        (Wanted(after=2), [3]),
        (Wanted(since=time.time() + 60), []),
        (Wanted(client="nobody"), []),
    ):
        assert ids(history.entries(wanted)) == found, wanted


async def test_ids_go_on_after_a_restart(state: State, history: History) -> None:
    called(history)
    history.write()
    assert History(lambda: state, 30).next_number() == 2


async def test_old_calls_are_forgotten_and_the_others_kept(state: State, history: History) -> None:
    for age_days in (31, 29):
        call = called(history)
        history.write()
        state.change(
            "UPDATE call SET at = ? WHERE id = ?", time.time() - age_days * 86400, call.number
        )
    later = History(lambda: state, 30)
    called(later)
    assert ids(later.entries(ALL)) == [3, 2]


async def test_only_so_many_calls_and_bytes_are_kept(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRIM_EVERY", 1)
    few = History(lambda: state, 30, most_calls=3)
    for _ in range(5):
        called(few)
    assert ids(few.entries(ALL)) == [5, 4, 3]
    monkeypatch.setattr(module, "MOST_BYTES", 2000)
    for _ in range(3):
        called(few, arguments={"sql": "x" * 900})
    assert ids(few.entries(ALL)) == [8, 7]


async def test_arguments_that_are_too_long_are_cut_and_say_so(history: History) -> None:
    called(history, arguments={"sql": "x" * 1_000_000, "limit": 5})
    (entry,) = history.entries(ALL)
    assert entry.arguments["limit"] == 5
    assert entry.arguments["sql"].endswith("[cut: 1000000 characters]")
    assert len(entry.arguments["sql"]) < 30_000
    assert not entry.is_exact


def _refused() -> State:
    raise SettingsError("state.db was written by a newer mp-mcp.")


class Broken(State):
    """A state whose file is beyond all help."""

    def __init__(self) -> None:
        """Without a file."""

    def rows(self, sql: str, *values: Any) -> list[Any]:
        raise sqlite3.OperationalError(sql, values)

    change = rows  # type: ignore[assignment]


@pytest.mark.parametrize("open_it", [_refused, Broken])
async def test_a_state_that_cannot_be_used_fails_no_call(open_it: Callable[[], State]) -> None:
    history = History(open_it, 30)
    assert called(history).number == 1
    history.write()
    assert history.entries(ALL) == []
    assert called(history).number == 2


async def test_a_full_disk_fails_no_call_and_what_comes_later_is_seen(
    state: State, history: History
) -> None:
    called(history)
    history.write()
    state.rows("PRAGMA max_page_count = 1")
    for _ in range(50):
        called(history, arguments={"sql": "y" * 50_000})
    assert len(history.entries(ALL)) == 51
    assert not state.is_kept


async def test_however_many_calls_are_written_at_once_few_statements_are_kept(
    state: State, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = set()
    change = state.change

    def seen(sql: str, *values: Any) -> None:
        statements.add(sql)
        change(sql, *values)

    monkeypatch.setattr(state, "change", seen)
    calls = 0
    for count in range(80):
        for _ in range(count):
            called(history)
        history.write()
        calls += count
    inserts = [sql for sql in statements if sql.startswith("INSERT")]
    assert len(inserts) == len(module.WRITTEN_AT_ONCE)
    assert state.rows("SELECT count(*), max(id) FROM call") == [(calls, calls)]


async def test_half_a_surrogate_pair_is_no_obstacle(history: History) -> None:
    call = Call(history.next_number(), HUMAN, "query_sql", {"sql": "\ud800"})
    call.failed(MpError("\ud800"))
    history.record(call)
    assert [entry.outcome for entry in history.entries(ALL)] == ["unexpected"]


async def test_who_follows_hears_each_call_once(history: History) -> None:
    called(history)
    with history.follow() as live:
        call = called(history)
        assert (await live.receive()).id == call.number
        assert live.statistics().current_buffer_used == 0


async def test_a_follower_who_does_not_listen_holds_nobody_up(history: History) -> None:
    with history.follow() as live:
        for _ in range(1100):
            called(history)
        assert live.statistics().current_buffer_used == 1000


async def test_a_job_is_told_again_when_it_has_ended(state: State, history: History) -> None:
    record = Record("job-1", "us/1", "fetch_events", {}, {}, "mp pid 1", time.time())
    job = Running(record, JobTable(state))
    call = Call(history.next_number(), HUMAN, "fetch_events", {})
    call.job = job
    call.answered(Rows.of([], []))
    history.record(call)
    assert [entry.outcome for entry in history.entries(ALL)] == ["running"]
    job.tally.units = 3
    job.stand(state="done", ended=record.started + 60, result={"rows": 100})
    with history.follow() as live:
        history.job_ended(job)
        told = await live.receive()
    assert history.entries(ALL) == [told]
    assert (told.outcome, told.rows, told.units) == ("ok", 100, 3)
    assert told.seconds == pytest.approx(60)
