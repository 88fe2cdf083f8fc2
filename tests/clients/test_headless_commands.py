"""What the command line of mixpanel-headless makes of the simulator's answers."""

from collections.abc import Callable
from typing import Any

import pytest

from mp_mcp.demo.running import Running
from tests.clients.conftest import Client

Check = Callable[[Any, Running], bool]
DAYS = "--from 2025-03-22 --to 2025-03-31"
LAST_DAY = "--from 2025-03-31 --to 2025-03-31"


def _all(series: dict[str, dict[str, float]]) -> dict[str, float]:
    return {name: sum(days.values()) for name, days in series.items()}


def _is_average(found: Any, sim: Running) -> bool:
    truth = sim.truth(from_date="2025-03-31", event="Purchase", property="amount")
    average = pytest.approx(truth["sum"] / truth["events"], abs=0.01)
    return bool(found["results"] == {"2025-03-31": average})


def _falls(numbers: list[float]) -> bool:
    return numbers == sorted(numbers, reverse=True)


CALLS: dict[str, Check] = {
    "inspect events": lambda found, sim: set(found) == set(sim.truth()["by_event"]),
    "inspect properties -e Purchase": lambda found, sim: (
        len(found) == 10 and set(found) <= set(sim.truth(event="Purchase")["keys"])
    ),
    "inspect values -p plan -e Purchase": lambda found, sim: (
        set(found) == set(sim.truth(event="Purchase", property="plan")["values"])
    ),
    "inspect subproperties -p items -e Purchase": lambda found, _: (
        {"price", "qty", "sku"} <= {one["name"] for one in found}
    ),
    "inspect funnels": lambda found, _: len(found) == 282,
    "inspect cohorts": lambda found, _: (
        {one["name"]: one["count"] for one in found}["Imported leads"] == 9
    ),
    "inspect top-events": lambda found, sim: (
        {one["event"] for one in found} <= set(sim.truth()["by_event"])
    ),
    "inspect bookmarks": lambda found, _: len(found) == 2561,
    "inspect bookmarks -t flows": lambda found, _: len(found) == 74,
    "inspect lexicon-schemas": lambda found, _: len(found) == 9,
    "inspect lexicon-schemas -t event": lambda found, _: len(found) == 7,
    "inspect lexicon-schema -t event -n Purchase": lambda found, _: (
        "amount" in found["schema_json"]["properties"]
    ),
    "inspect schema-graph": lambda found, sim: (
        {one["name"] for one in found["events"]} == set(sim.truth()["by_event"])
    ),
    f"query segmentation -e Login {DAYS}": lambda found, sim: (
        found["series"]["Login"] | {str(sim.story()["empty_day"]): 0}
        == sim.truth(event="Login")["by_day"] | {str(sim.story()["empty_day"]): 0}
    ),
    f"query segmentation -e Login --on plan {DAYS}": lambda found, sim: (
        _all(found["series"]) == sim.truth(event="Login", property="plan")["values"]
    ),
    f"query event-counts -e Login,Signup {DAYS}": lambda found, sim: (
        _all(found["series"]) == {name: sim.truth()["by_event"][name] for name in found["events"]}
    ),
    f"query property-counts -e Login -p plan {DAYS}": lambda found, sim: (
        _all(found["series"]) == sim.truth(event="Login", property="plan")["values"]
    ),
    f"query segmentation-numeric -e Purchase --on amount {DAYS}": lambda found, sim: (
        sum(_all(found["series"]).values()) == sim.truth(event="Purchase")["events"]
    ),
    f"query segmentation-sum -e Purchase --on amount {DAYS}": lambda found, sim: (
        sum(found["results"].values())
        == pytest.approx(sim.truth(event="Purchase", property="amount")["sum"])
    ),
    f"query segmentation-average -e Purchase --on amount {LAST_DAY}": _is_average,
    f"query retention -b Signup -r Login {DAYS}": lambda found, _: any(
        cohort["size"] for cohort in found["cohorts"]
    ),
    f"query frequency -e Login {DAYS}": lambda found, _: all(
        _falls(numbers) for numbers in found["data"].values()
    ),
    f"query funnel FUNNELS {DAYS}": lambda found, _: _falls(
        [step["count"] for step in found["steps"]]
    ),
    f"query activity-feed -U u-1000,u-1001 {DAYS}": lambda found, _: (
        found["event_count"] == len(found["events"]) > 0
    ),
    "query saved-report INSIGHTS": lambda found, _: bool(found["computed_at"]),
    "query saved-report RETENTION": lambda found, _: bool(found["computed_at"]),
    "query flows FLOWS": lambda found, _: bool(found["steps"]),
    "project list": lambda found, _: "Mug Shop" in found,
    "workspace list": lambda found, _: "All Project Data" in found,
    # Other calls here change the annotations 6 and 7, in any order.
    "annotations list": lambda found, _: (
        found[0]["description"] == "Release 4.1.3" and found[0]["tags"][0]["name"] == "release"
    ),
    "annotations get 5": lambda found, _: found["description"] == "Release 4.1.3",
    "annotations tags list": lambda found, _: [one["id"] for one in found] == [1, 2],
    "annotations create --date 2025-03-30 --description v5": lambda found, _: (
        found["date"] == "2025-03-30 00:00:00"
    ),
    "annotations update 6 --description changed": lambda found, _: (
        found["description"] == "changed"
    ),
    "annotations delete 7": lambda _found, sim: (
        sim.requests("/api/app/projects/1001/annotations/7")[-1]["status"] == 200
    ),
    "cohorts list": lambda found, _: len(found) == 6,
    "cohorts get 1001501": lambda found, _: found["name"] == "Team plan",
    "lexicon events get --names Login,Search": lambda found, _: (
        [one["name"] for one in found] == ["Login", "Search"]
    ),
    "lexicon properties get --names plan": lambda found, _: found[0]["resource_type"] == "Event",
    "lexicon tags list": lambda found, _: [one["name"] for one in found] == ["core", "revenue"],
    "schemas list": lambda found, _: len(found) == 9,
    "reports list": lambda found, _: len(found) == 2561,
    "reports get INSIGHTS": lambda found, _: found["bookmark_type"] == "insights",
}


@pytest.fixture(scope="module")
def reports(headless: Client) -> dict[str, str]:
    """The id of one saved report of each type."""
    found = headless({"cli": ["inspect", "bookmarks"]})
    return {one["type"].upper(): str(one["id"]) for one in found}


@pytest.mark.parametrize("command", CALLS)
def test_a_command(
    headless: Client, running: Running, reports: dict[str, str], command: str
) -> None:
    found = headless({"cli": [reports.get(word, word) for word in command.split()]})
    assert CALLS[command](found, running), found


def test_the_name_of_a_schema_may_have_blanks(headless: Client) -> None:
    name = "Suporte: Olá 👋"
    found = headless({"cli": ["inspect", "lexicon-schema", "-t", "event", "-n", name]})
    assert found["schema_json"]["description"] == "Somebody asks the support"
