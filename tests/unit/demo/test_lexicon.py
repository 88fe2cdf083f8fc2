"""The simulator's Lexicon schemas, against the events that it has."""

from collections import Counter
from urllib.parse import quote

import pytest

from mp_mcp.demo.world import World
from tests.unit.demo.conftest import Ask

SCHEMAS = "/api/app/projects/1001/schemas"


def test_schemas_are_of_several_types_and_some_events_have_none(ask: Ask, world: World) -> None:
    body = ask("GET", SCHEMAS).json()
    assert body["status"] == "ok"
    entries = body["results"]
    assert all(set(entry) == {"entityType", "name", "schemaJson"} for entry in entries)
    kinds = Counter(entry["entityType"] for entry in entries)
    assert set(kinds) == {"event", "profile", "custom_event"}
    with_schema = {entry["name"] for entry in entries if entry["entityType"] == "event"}
    assert with_schema < set(world.projects["1001"].lexicon.observed)


def test_a_schema_tells_the_types_that_the_events_really_have(ask: Ask) -> None:
    entries = ask("GET", SCHEMAS).json()["results"]
    schema = next(entry for entry in entries if entry["name"] == "Purchase")["schemaJson"]
    types = {name: one["type"] for name, one in schema["properties"].items()}
    assert types["amount"] == types["order_id"] == "number"
    assert types["items"] == types["tags"] == "array"
    assert types["trial"] == "boolean"
    assert types["coupon"] == "string"
    assert "amount" in schema["required"]
    assert "experiment" not in schema["required"]
    assert schema["metadata"]["com.mixpanel"]["tags"] == ["core", "revenue"]


def test_everything_within_a_schema_is_optional(ask: Ask) -> None:
    entries = {
        entry["name"]: entry["schemaJson"] for entry in ask("GET", SCHEMAS).json()["results"]
    }
    assert "description" not in entries["Login"]
    assert "properties" not in entries["Checkout / paid"]
    assert {"ltv", "$email"} <= set(entries["$user"]["properties"])


def test_schemas_are_listed_by_type_below_the_project_and_its_view(ask: Ask) -> None:
    events = ask("GET", f"{SCHEMAS}/event").json()["results"]
    assert {entry["entityType"] for entry in events} == {"event"}
    assert ask("GET", "/api/app/workspaces/100101/schemas/event").json()["results"] == events


@pytest.mark.parametrize(
    ("kind", "name"),
    [("event", "Suporte: Olá 👋"), ("custom_event", "Checkout / paid"), ("profile", "$user")],
)
@pytest.mark.parametrize("shape", ["schema", "entry", "bare"])
def test_one_schema_is_read_by_its_encoded_name_in_each_shape(
    ask: Ask, world: World, shape: str, kind: str, name: str
) -> None:
    world.switches.turn({"schema_shape": shape})
    by_path = ask("GET", f"{SCHEMAS}/{kind}/{quote(name, safe='')}").json()
    assert ask("GET", f"{SCHEMAS}/{kind}", params={"entity_name": name}).json() == by_path
    listed = ask("GET", f"{SCHEMAS}/{kind}").json()["results"]
    entry = next(one for one in listed if one["name"] == name)
    assert (
        by_path
        == {
            "schema": {"status": "ok", "results": entry["schemaJson"]},
            "entry": {"status": "ok", "results": entry},
            "bare": entry["schemaJson"],
        }[shape]
    )


def test_a_missing_schema_is_not_found(ask: Ask) -> None:
    for answer in (
        ask("GET", f"{SCHEMAS}/event/Search"),
        ask("GET", f"{SCHEMAS}/event", params={"entity_name": "Search"}),
    ):
        assert answer.status_code == 404
        assert answer.json() == {"status": "error", "error": "Schema not found: Search"}


def test_a_wrong_type_of_entity_is_a_bad_request(ask: Ask) -> None:
    answer = ask("GET", f"{SCHEMAS}/events")
    assert answer.status_code == 400
    assert answer.json() == {"status": "error", "error": "Invalid entity type: events"}
