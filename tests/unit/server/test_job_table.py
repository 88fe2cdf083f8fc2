"""Jobs in state.db: what a row keeps, which rows are found, and which are forgotten."""

from pathlib import Path
from typing import Any

import pytest

from mp_mcp.server import job_table
from mp_mcp.server.job_table import HINTS, JobTable, Record
from mp_mcp.state import open_state


@pytest.fixture
def table(tmp_path: Path) -> JobTable:
    return JobTable(open_state(tmp_path / "state.db"))


def record(number: int, **facts: Any) -> Record:
    """A job that started so many seconds after 1970."""
    known: dict[str, Any] = {
        "id": f"job-{number}",
        "project": "us/1001",
        "tool": "fetch_events",
        "arguments": {"table": "events"},
        "asking": {"account": "work"},
        "client": "mp pid 7",
        "started": float(number),
    }
    return Record(**{**known, **facts})


def ids(found: list[Record]) -> list[str]:
    return [one.id for one in found]


def test_a_row_comes_back_as_it_was_saved(table: JobTable) -> None:
    saved = record(
        1,
        arguments={"events": ["Größe", "\ud83d"], "where": None},
        state="failed",
        ended=9.5,
        done=3.0,
        total=10.0,
        message="3 of 10 days",
        result={"rows": 1},
        error={"message": 'half a pair: \ud83d, and a "quote"'},
    )
    table.save(saved)
    assert table.find("us/1001", "job-1") == saved


def test_saving_again_replaces_the_row(table: JobTable) -> None:
    table.save(record(1))
    table.save(record(1, message="further"))
    assert [one.message for one in table.latest("us/1001")] == ["further"]


def test_a_job_is_found_in_its_own_project_only(table: JobTable) -> None:
    table.save(record(1))
    table.save(record(2, project="eu/1001"))
    assert table.find("eu/1001", "job-1") is None
    assert ids(table.latest("us/1001")) == ["job-1"]


def test_the_newest_jobs_are_listed_first_and_not_all_of_them(
    table: JobTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_table, "LISTED", 2)
    for number in (2, 3, 1):
        table.save(record(number))
    assert ids(table.latest("us/1001")) == ["job-3", "job-2"]


def test_unfinished_jobs_of_all_projects_come_in_the_order_of_their_start(
    table: JobTable,
) -> None:
    table.save(record(3, state="interrupted"))
    table.save(record(1, state="needs_credentials", project="eu/7"))
    table.save(record(2))
    for number, state in enumerate(("done", "failed", "cancelled"), start=4):
        table.save(record(number, state=state, ended=9.0))
    assert ids(table.unfinished()) == ["job-1", "job-2", "job-3"]


def test_only_ended_jobs_are_forgotten_the_oldest_first_and_per_project(
    table: JobTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_table, "MOST_KEPT", 2)
    table.save(record(1, state="interrupted"))
    table.save(record(2, project="eu/7", state="done", ended=9.0))
    for number in (3, 4, 5, 6):
        table.save(record(number, state="done", ended=9.0))
    kept = ids(table.latest("us/1001"))
    assert "job-1" in kept
    assert kept[:2] == ["job-6", "job-5"]
    assert "job-3" not in kept
    assert ids(table.latest("eu/7")) == ["job-2"]


def test_clients_see_times_in_utc_and_what_to_do_next(table: JobTable) -> None:
    shown = record(0, state="interrupted").shown()
    assert (shown.started_at, shown.ended_at) == ("1970-01-01T00:00:00Z", None)
    assert shown.hint == HINTS["interrupted"]
    assert record(0, state="done", ended=61.0).shown().ended_at == "1970-01-01T00:01:01Z"


def test_clients_do_not_see_where_a_job_stands() -> None:
    assert "asking" not in record(1).shown().model_dump()
    assert "account" not in str(record(1).status())
