"""The simulator's data definitions of events and properties."""

from mp_mcp.demo.world import World
from tests.unit.demo.conftest import Ask

DEFINITIONS = "/api/app/projects/1001/data-definitions"


def test_event_definitions_are_all_observed_events_or_the_named_ones(
    ask: Ask, world: World
) -> None:
    found = ask("GET", f"{DEFINITIONS}/events/").json()["results"]
    assert [one["name"] for one in found] == sorted(world.projects["1001"].lexicon.observed)
    assert next(one for one in found if one["name"] == "Page View")["hidden"] is True
    named = ask("GET", f"{DEFINITIONS}/events/", params={"name[]": ["Login", "Search"]})
    assert [one["name"] for one in named.json()["results"]] == ["Login", "Search"]


def test_property_definitions_are_of_events_unless_users_are_asked(ask: Ask) -> None:
    events, users = (
        {
            one["name"]
            for one in ask("GET", f"{DEFINITIONS}/properties/", params=asked).json()["results"]
        }
        for asked in ({}, {"resourceType": "User"})
    )
    assert "amount" in events - users
    assert "ltv" in users - events


def test_the_resource_type_is_capitalized_and_in_camel_case(ask: Ask) -> None:
    wrong = ask("GET", f"{DEFINITIONS}/properties/", params={"resourceType": "user"})
    assert wrong.status_code == 400
    assert wrong.json() == {"status": "error", "error": "Invalid resource type"}
    ignored = ask("GET", f"{DEFINITIONS}/properties/", params={"resource_type": "User"}).json()
    assert "amount" in {one["name"] for one in ignored["results"]}


def test_a_property_tells_its_events_and_density_when_asked(ask: Ask) -> None:
    asked = {"name[]": "amount", "includeEvents": "true", "includeDensity": "true"}
    (amount,) = ask("GET", f"{DEFINITIONS}/properties/", params=asked).json()["results"]
    assert {"name": "Purchase"} in amount["events"]
    assert amount["densityLocal"] > 0
    assert amount["type"] == "number"


def test_tags_are_those_of_the_events(ask: Ask) -> None:
    tags = ask("GET", f"{DEFINITIONS}/tags/").json()["results"]
    assert [tag["name"] for tag in tags] == ["core", "revenue"]


def test_the_query_api_lists_events_with_their_properties(ask: Ask) -> None:
    asked = {"project_id": "1001", "fetch_per_event_properties": "true"}
    results = ask("GET", "/api/query/data_definitions/events", params=asked).json()["results"]
    signup = next(one for one in results if one["name"] == "Signup")
    assert {"name": "method"} in signup["properties"]
