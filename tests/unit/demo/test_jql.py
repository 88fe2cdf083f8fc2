"""The JQL scripts that the simulator runs, refuses, and does not have any more."""

import json
from typing import Any

import httpx
import pytest

from mp_mcp.demo.truth import truth_of
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask

DAYS = "{from_date: '2025-03-20', to_date: '2025-03-31'}"
COUNT = "mixpanel.reducer.count()"


@pytest.fixture
def run(ask: Ask) -> Ask:
    """POST a script whose main returns an expression."""

    def send(returned: str, script: str | None = None, **form: Any) -> httpx.Response:
        text = script or f"function main() {{\n  return {returned};\n}}"
        asked = {"script": text, **form}
        return ask("POST", "/api/query/jql", params={"project_id": "1001"}, data=asked)

    return send


def _truth(world: World, event: str | None = None, prop: str | None = None) -> Any:
    history = world.projects["1001"].history
    return truth_of(history, STORY.first_day, STORY.last_day, event=event, prop=prop)


def test_events_are_grouped_and_counted_by_name(run: Ask, world: World) -> None:
    answer = run(f'Events({DAYS}).groupBy(["name"], {COUNT})').json()
    assert {one["key"][0]: one["value"] for one in answer} == dict(_truth(world).by_event)


def test_events_are_grouped_by_properties_and_selected(run: Ask, world: World) -> None:
    options = (
        "{from_date: '2025-03-20', to_date: '2025-03-31', event_selectors: [{event: 'Login'}]}"
    )
    answer = run(f"Events({options}).groupBy(['properties.plan', 'name'], {COUNT})").json()
    assert {one["key"][0]: one["value"] for one in answer} == dict(
        _truth(world, "Login", "plan").values
    )
    assert {one["key"][1] for one in answer} == {"Login"}


def test_a_reduction_is_an_array_of_one(run: Ask, world: World) -> None:
    total = _truth(world).events
    assert run(f"Events({DAYS}).reduce({COUNT})").json() == [total]
    assert run(f"Events({DAYS}).reduce([{COUNT}, {COUNT}])").json() == [[total, total]]


def test_plain_events_have_their_time_in_milliseconds(run: Ask, world: World) -> None:
    rows = run(f"Events({DAYS})").json()
    assert len(rows) == _truth(world).events
    assert set(rows[0]) == {"name", "distinct_id", "time", "sampling_factor", "properties"}
    assert all(row["time"] > 1_000_000_000_000 for row in rows)


def test_people_are_the_profiles(run: Ask, world: World) -> None:
    rows = run("People()").json()
    assert len(rows) == len(world.projects["1001"].profiles) - 1
    assert set(rows[0]) == {"distinct_id", "time", "last_seen", "properties"}


def test_params_are_json_text_that_the_script_reads(run: Ask, world: World) -> None:
    params = json.dumps({"from_date": "2025-03-20", "to_date": "2025-03-31"})
    options = "{from_date: params.from_date, to_date: params.to_date}"
    script = f"/* all */ function main() {{ return Events({options}).reduce({COUNT}) }}"
    assert run("", script, params=params).json() == [_truth(world).events]
    assert run("", script, params="{from_date: 2025-03-20}").status_code == 400


@pytest.mark.parametrize(
    ("returned", "part"),
    [
        ("Events({}).filter(f)", "TypeError: Events(...).filter is not a function"),
        ("Events({})", "TypeError: Events: from_date is not a date: None"),
        ("Events({from_date: x})", "ReferenceError: x is not defined"),
        ("Events({from_date '1'})", "SyntaxError: Unexpected token"),
        ("Events({", "SyntaxError: missing )"),
        ("join(Events())", "ReferenceError: join is not defined"),
        (f"Events({DAYS}).groupBy(['name'], mixpanel.reducer.top())", "TypeError: reducer"),
        (f"Events({DAYS}).groupBy([x => 1], {COUNT})", "ReferenceError: x is not defined"),
        (f"Events({DAYS}).groupBy(['foo'], {COUNT})", "TypeError: groupBy"),
    ],
)
def test_other_scripts_fail_like_broken_ones(run: Ask, returned: str, part: str) -> None:
    answer = run(returned)
    assert answer.status_code == 412
    body = answer.json()
    assert set(body) == {"request", "error"}
    lines = body["error"].split("\n")
    assert lines[0].startswith("UserVisiblePreconditionFailedError: Uncaught exception " + part)
    assert lines[2].strip() == "^"
    assert "Stack trace:" in lines


def test_a_script_needs_a_main_function_and_a_script(run: Ask) -> None:
    assert "main is not defined" in run("", "Events({})").json()["error"]
    assert run("", script=" ", params="{}").status_code == 412
    assert run("", script="x").status_code == 412


@pytest.mark.parametrize("position", ["404", "410", "400", "403"])
def test_jql_may_be_gone(run: Ask, world: World, position: str) -> None:
    world.switches.turn({"jql": position})
    answer = run("People()")
    assert answer.status_code == int(position)
    assert set(answer.json()) == {"request", "error"}
    if position == "400":
        assert answer.json()["error"] == "Invalid API endpoint"
