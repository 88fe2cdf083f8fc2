"""The inspect tools on the scripted wire: their rows, limits and hints."""

import httpx
import pytest

from mp_mcp.errors import NotFoundError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.tools.api.inspect_cohorts import inspect_cohorts
from mp_mcp.tools.api.inspect_funnels import inspect_funnels
from mp_mcp.tools.api.inspect_lexicon_schema import inspect_lexicon_schema
from mp_mcp.tools.api.inspect_lexicon_schemas import inspect_lexicon_schemas
from mp_mcp.tools.api.inspect_properties import inspect_properties
from mp_mcp.tools.api.inspect_top_events import inspect_top_events
from mp_mcp.tools.api.inspect_values import inspect_values
from tests.unit.mixpanel.conftest import Script
from tests.unit.tools.wired import answering

pytestmark = pytest.mark.anyio

SCHEMA = {
    "description": "User changes plan",
    "required": ["plan"],
    "additionalProperties": False,
    "properties": {
        "seats": {"type": ["integer", "null"], "minimum": 1},
        "plan": {
            "type": "string",
            "description": "New plan",
            "metadata": {"com.mixpanel": {"displayName": "Plan", "hidden": True}},
        },
    },
    "metadata": {
        "com.mixpanel": {
            "displayName": "Plan upgraded",
            "tags": ["core"],
            "dropped": False,
            "contacts": ["ana@example.org"],
            "teamContacts": ["Growth"],
        }
    },
}


async def test_properties_are_listed_the_most_frequent_first(script: Script) -> None:
    mixpanel, wire = answering(script, {"$city": {"count": 7}, "plan": {"count": 9}, "$d": {}})
    found = await inspect_properties(mixpanel, "Signup")
    assert (found.columns, found.row_count) == (["property", "count"], 3)
    assert found.rows == [["plan", 9], ["$city", 7], ["$d", None]]
    assert (found.truncated, found.hint) == (False, None)
    assert wire.query["event"] == "Signup"


async def test_no_properties_doubt_the_event(script: Script) -> None:
    mixpanel, _ = answering(script, {})
    found = await inspect_properties(mixpanel, "Sginup")
    assert found.rows == []
    assert "'Sginup'" in str(found.hint)
    assert "inspect_events" in str(found.hint)


async def test_a_full_list_of_properties_may_not_be_whole(script: Script) -> None:
    mixpanel, _ = answering(script, {f"p{n}": {"count": n} for n in range(1000)})
    found = await inspect_properties(mixpanel, "Signup")
    assert (found.row_count, found.truncated) == (1000, True)
    assert "1,000" in str(found.hint)


async def test_values_are_listed_in_mixpanels_order(script: Script) -> None:
    mixpanel, wire = answering(script, ["team", "pro"])
    found = await inspect_values(mixpanel, "plan", event="Signup", limit=2)
    assert (found.columns, found.rows) == (["value"], [["team"], ["pro"]])
    assert (found.truncated, found.hint) == (False, None)
    assert (wire.query["name"], wire.query["event"]) == ("plan", "Signup")


async def test_more_values_than_asked_for_are_announced(script: Script) -> None:
    mixpanel, wire = answering(script, ["team", "pro", "free"])
    found = await inspect_values(mixpanel, "plan", limit=2)
    assert (found.rows, found.row_count, found.truncated) == ([["team"], ["pro"]], 2, True)
    assert "raise limit" in str(found.hint)
    assert wire.query == {"project_id": "42", "name": "plan", "limit": "3"}


async def test_no_values_doubt_the_names(script: Script) -> None:
    mixpanel, _ = answering(script, [])
    found = await inspect_values(mixpanel, "plam", event="Sginup")
    assert "'plam' of 'Sginup'" in str(found.hint)
    assert "inspect_properties" in str(found.hint)
    assert "inspect_events" in str(found.hint)


async def test_saved_funnels_are_listed_with_their_ids(script: Script) -> None:
    mixpanel, _ = answering(script, [{"funnel_id": 7001, "name": "Signup funnel"}])
    found = await inspect_funnels(mixpanel)
    assert (found.columns, found.rows) == (["funnel_id", "name"], [[7001, "Signup funnel"]])


async def test_cohorts_are_listed_with_their_sizes(script: Script) -> None:
    mixpanel, _ = answering(script, [{"id": 501, "name": "Power users", "count": 148}])
    found = await inspect_cohorts(mixpanel)
    assert found.columns[:3] == ["id", "name", "count"]
    assert found.rows == [[501, "Power users", 148, None, None, None, None]]


async def test_top_events_are_at_most_as_many_as_asked_for(script: Script) -> None:
    events = [{"event": name, "amount": n, "percent_change": 0.5} for n, name in enumerate("abc")]
    mixpanel, wire = answering(script, {"events": events, "type": "general"})
    found = await inspect_top_events(mixpanel, limit=2)
    assert found.rows == [["c", 2, 0.5], ["b", 1, 0.5]]
    assert wire.query == {"project_id": "42", "type": "general", "limit": "2"}


async def test_as_many_top_events_as_asked_for_may_not_be_all(script: Script) -> None:
    events = [{"event": name, "amount": 1} for name in "ab"]
    mixpanel, _ = answering(script, {"events": events})
    assert "raise limit" in str((await inspect_top_events(mixpanel, limit=2)).hint)
    assert (await inspect_top_events(mixpanel, limit=3)).hint is None


async def test_described_events_and_profiles_are_listed(script: Script) -> None:
    entries = [
        {"entityType": "profile", "name": "$user"},
        {"entityType": "event", "name": "Plan Upgraded", "schemaJson": SCHEMA},
    ]
    mixpanel, _ = answering(script, {"status": "ok", "results": entries})
    found = await inspect_lexicon_schemas(mixpanel)
    assert found.columns == [
        *("type", "name", "display_name", "description"),
        *("tags", "hidden", "dropped", "properties"),
    ]
    described = ["Plan upgraded", "User changes plan", ["core"], None, False, 2]
    assert found.rows == [
        ["event", "Plan Upgraded", *described],
        ["profile", "$user", None, None, [], None, None, 0],
    ]


async def test_schemas_of_one_type_know_their_type(script: Script) -> None:
    mixpanel, wire = answering(script, {"results": [{"name": "$user", "schemaJson": {}}]})
    found = await inspect_lexicon_schemas(mixpanel, type="profile")
    assert found.rows[0][:2] == ["profile", "$user"]
    assert wire.requests[0].url.path == "/api/app/projects/42/schemas/profile"


async def test_a_schema_is_shown_with_a_row_per_property(script: Script) -> None:
    mixpanel, _ = answering(script, {"status": "ok", "results": SCHEMA})
    found = await inspect_lexicon_schema(mixpanel, type="event", name="Plan Upgraded")
    assert found.columns == [
        *("property", "type", "description", "display_name"),
        *("required", "hidden", "dropped", "rules"),
    ]
    assert found.rows == [
        ["plan", "string", "New plan", "Plan", True, True, None, None],
        ["seats", "integer | null", None, None, False, None, None, {"minimum": 1}],
    ]
    assert (found.type, found.name, found.display_name) == (
        *("event", "Plan Upgraded"),
        "Plan upgraded",
    )
    assert (found.description, found.tags) == ("User changes plan", ["core"])
    assert found.contacts == ["ana@example.org", "Growth"]
    assert (found.hidden, found.dropped, found.other_properties) == (None, False, False)


async def test_an_empty_schema_is_a_schema(script: Script) -> None:
    mixpanel, _ = answering(script, {"status": "ok", "results": {}})
    found = await inspect_lexicon_schema(mixpanel, type="profile", name="$user")
    assert (found.rows, found.other_properties, found.tags) == ([], True, [])


async def test_a_missing_schema_names_the_tool_that_lists_them(script: Script) -> None:
    wire = script(httpx.Response(404, json={"status": "error", "error": "Not found"}))
    with pytest.raises(NotFoundError, match="'Plan'") as caught:
        await inspect_lexicon_schema(Mixpanel(wire.http), type="event", name="Plan")
    assert "inspect_lexicon_schemas" in str(caught.value.hint)
