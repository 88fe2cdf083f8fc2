"""The tool fetch_profiles with a scripted Mixpanel, a store that remembers, and a real one."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from pydantic import ValidationError

from mp_mcp.errors import (
    DatabaseLockedError,
    MixpanelUnavailableError,
    PlanError,
    RateLimitedError,
    TableExistsError,
    UsageError,
)
from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.open_store import Files, Store
from mp_mcp.tool import Tool
from mp_mcp.tools.storage.fetch_profiles import FetchedProfiles, fetch_profiles
from tests.unit.mixpanel.conftest import Script, Wire
from tests.unit.mixpanel.engaging import entry, form_of, page
from tests.unit.tools.fakes import FakeWriter, HeardProgress

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    files = Files()
    yield files.store(tmp_path / "data" / "7.db", spool=tmp_path / "spool")
    await files.close()


async def fetch(
    wire: Wire, store: StoreWriter, *table: str, **arguments: Any
) -> tuple[FetchedProfiles, HeardProgress]:
    progress = HeardProgress()
    with anyio.fail_after(20):
        found = await fetch_profiles(
            MixpanelExport(wire.http), store, progress, *table, **arguments
        )
    return found, progress


def pages(*numbers: tuple[int, ...], total: int | None = None) -> list[httpx.Response]:
    """Pages of these profiles; the first one opens the session."""
    first = {"session_id": "s", **({} if total is None else {"total": total})}
    return [
        page(*map(entry, some), **(first if place == 0 else {}))
        for place, some in enumerate(numbers)
    ]


async def test_pages_reach_the_loader_as_lines_of_the_text_that_was_sent(
    script: Script, tmp_path: Path
) -> None:
    sent = b'{"results": [{"$properties": {"n": 1.10}, "$distinct_id": 5}], "total": 1}'
    store = FakeWriter(tmp_path)
    found, _ = await fetch(script(httpx.Response(200, content=sent)), store)
    (load,) = store.loads
    assert load["lines"] == ['{"event":"5","nth":0,"properties":{"n": 1.10}}']
    assert (found.table, found.rows, found.new, found.hint) == ("profiles", 1, 1, None)
    assert store.events == ["require profiles None False", "spool opened", "load", "spool closed"]


async def test_what_is_asked_of_mixpanel_is_what_the_table_is_about(
    script: Script, tmp_path: Path
) -> None:
    store = FakeWriter(tmp_path)
    wire = script(*pages((1,), total=1))
    await fetch(
        wire,
        store,
        "team",
        where="x == 1",
        cohort=501,
        output_properties=("plan",),
        distinct_ids=("u-1",),
        replace=True,
    )
    form = form_of(wire.requests[0])
    assert (form["where"], form["filter_by_cohort"]) == ("x == 1", '{"id": 501}')
    assert (form["output_properties"], form["distinct_ids"]) == ('["plan"]', '["u-1"]')
    (load,) = store.loads
    choice = load["choice"]
    assert (load["table"], load["replace"]) == ("team", True)
    assert (choice.where, choice.cohort) == ("x == 1", 501)
    assert (choice.output_properties, choice.distinct_ids) == (("plan",), ("u-1",))


async def test_arguments_that_say_nothing_are_as_if_left_out() -> None:
    tool: Tool = fetch_profiles.__mp_tool__  # type: ignore[attr-defined]
    default = tool.arguments_model.model_validate({})
    for nothing in (None, ""):
        given = {"where": nothing, "cohort": nothing}
        assert tool.arguments_model.model_validate(given) == default
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        tool.arguments_model.model_validate({"cohort": 0})


async def test_a_locked_or_taken_table_costs_no_query(script: Script, tmp_path: Path) -> None:
    for refusal in (DatabaseLockedError("a notebook has it"), TableExistsError("taken")):
        wire = script(*pages((1,), total=1))
        with pytest.raises(type(refusal)):
            await fetch(wire, FakeWriter(tmp_path, refusal=refusal))
        assert wire.requests == []


async def test_too_many_ids_are_refused_before_anything_is_touched(
    script: Script, tmp_path: Path
) -> None:
    store = FakeWriter(tmp_path)
    with pytest.raises(UsageError, match="2000"):
        await fetch(script(page()), store, distinct_ids=("a",) * 2001)
    assert store.events == []


@pytest.mark.parametrize(
    "answers",
    [
        pages((1, 2), (3,), total=4),
        pages((1, 2), (), total=4),
        [*pages((1, 2), total=4), httpx.Response(403, json={"error": "no"})],
        pages((1, 2), (3, 4), (1, 2)),
    ],
)
async def test_an_incomplete_crawl_loads_nothing(
    script: Script, tmp_path: Path, answers: list[httpx.Response]
) -> None:
    store = FakeWriter(tmp_path)
    with pytest.raises((MixpanelUnavailableError, PlanError)):
        await fetch(script(*answers), store)

    assert store.loads == []
    assert store.events[-1] == "spool closed"


async def test_a_spent_budget_fails_at_once(script: Script, tmp_path: Path) -> None:
    spent = httpx.Response(429, headers={"retry-after": "1800"}, json={"error": "too many"})
    wire = script(spent)
    store = FakeWriter(tmp_path)
    with pytest.raises(RateLimitedError):
        await fetch(wire, store)
    assert (wire.sleeps, store.loads) == ([], [])


async def test_progress_never_goes_back_and_ends_with_the_load(
    script: Script, tmp_path: Path
) -> None:
    numbers = [(2 * at, 2 * at + 1) for at in range(20)]
    _, progress = await fetch(script(*pages(*numbers, total=40)), FakeWriter(tmp_path))
    done = [note[0] for note in progress.notes]
    assert done == [*range(2, 42, 2), 40]
    assert {note[1] for note in progress.notes} == {40}
    assert progress.notes[3][2] == "8 of 40 profiles"
    assert progress.notes[-1][2] == "40 of 40 profiles; writing them into the table"


async def test_progress_without_a_total_tells_what_is_there(script: Script, tmp_path: Path) -> None:
    _, progress = await fetch(script(*pages((1, 2), (3,))), FakeWriter(tmp_path))
    assert progress.notes[:2] == [(2, None, "2 profiles"), (3, None, "3 profiles")]


async def test_a_profile_on_two_pages_is_one_row_and_a_reason_to_look_again(
    script: Script, store: Store
) -> None:
    moved = {"$distinct_id": "u-2", "$properties": {"plan": "moved"}}
    first, _ = pages((1, 2), (), total=4)
    found, _ = await fetch(script(first, page(moved, entry(3))), store.writer())
    assert (found.rows, found.duplicates) == (3, 1)
    assert "as many others may be missing" in str(found.hint)
    rows = await store.reader().query("SELECT distinct_id, plan FROM profiles ORDER BY 1", limit=9)
    assert rows.rows == [["u-1", "team"], ["u-2", "moved"], ["u-3", "team"]]


async def test_an_empty_answer_empties_the_table_and_says_so(script: Script, store: Store) -> None:
    await fetch(script(*pages((1,), total=1)), store.writer())
    found, _ = await fetch(script(page(total=0)), store.writer())
    assert (found.rows, found.gone) == (0, 1)
    assert found.hint == "No profile matches: profiles is empty."


async def test_a_job_that_runs_again_from_scratch_changes_nothing(
    script: Script, store: Store, tmp_path: Path
) -> None:
    results = [
        await fetch(script(*pages((1, 2), (3,), total=3)), store.writer(job_id="job-1"))
        for _ in range(2)
    ]
    assert results[0][0] == results[1][0]
    assert json.loads(results[0][0].model_dump_json())["new"] == 3
    assert list((tmp_path / "spool").iterdir()) == []
