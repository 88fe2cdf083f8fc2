"""`GET app/projects/{id}/schemas` on the wire, and the shapes of its answers."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import CredentialsError, MixpanelError, NotFoundError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.lexicon import (
    lexicon_schema,
    lexicon_schema_of,
    lexicon_schemas,
    lexicon_schemas_of,
)
from mp_mcp.mixpanel.models import Credentials, Target

from .conftest import Script
from .shapes import texts, values

PLAN = {
    "type": "string",
    "description": "New plan",
    "enum": ["team", "pro"],
    "metadata": {"com.mixpanel": {"displayName": "Plan", "hidden": False, "dropped": False}},
}
SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema",
    "description": "User changes plan",
    "required": ["plan"],
    "additionalProperties": True,
    "properties": {"plan": PLAN},
    "metadata": {
        "com.mixpanel": {
            "$source": "api",
            "displayName": "Plan upgraded",
            "tags": ["core"],
            "hidden": False,
            "dropped": True,
            "contacts": ["ana@example.org"],
            "teamContacts": ["Growth"],
        }
    },
}
ENTRY = {"entityType": "event", "name": "Plan Upgraded", "schemaJson": SCHEMA}
OTHER = {"entityType": "event", "name": "Login", "schemaJson": {"description": "another"}}
NAMESAKE = {**ENTRY, "entityType": "custom_event", "schemaJson": {"description": "of another type"}}

VARIANTS: list[Any] = [
    SCHEMA,
    {"status": "ok", "results": SCHEMA},
    ENTRY,
    {"status": "ok", "results": ENTRY},
    [OTHER, NAMESAKE, ENTRY],
    {"status": "ok", "results": [OTHER, NAMESAKE, ENTRY]},
    {"results": {"results": [{"name": "Plan Upgraded", "schemaJson": SCHEMA}]}},
    {**ENTRY, "schemaJson": json.dumps(SCHEMA)},
    [OTHER, {**ENTRY, "schemaJson": json.dumps(SCHEMA)}],
]

shown = st.fixed_dictionaries(
    {},
    optional={
        "displayName": texts,
        "hidden": st.none() | st.booleans(),
        "dropped": st.none() | st.booleans(),
        "tags": st.none() | st.lists(st.text()),
        "$source": values,
    },
)
metadata = st.none() | st.fixed_dictionaries({}, optional={"com.mixpanel": st.none() | shown})
described = {"description": texts, "metadata": metadata}
kinds = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
schemas = st.fixed_dictionaries(
    {},
    optional={
        **described,
        "$schema": st.text(),
        "required": st.none() | st.lists(st.text()),
        "additionalProperties": st.none() | st.booleans(),
        "properties": st.none()
        | st.dictionaries(
            st.text(),
            st.fixed_dictionaries(
                {}, optional={**described, "type": kinds | st.lists(kinds), "minimum": values}
            ),
            max_size=3,
        ),
    },
)
entries = st.fixed_dictionaries(
    {"name": st.text()},
    optional={
        "entityType": st.sampled_from(["event", "profile", "custom_event", "later"]),
        "schemaJson": st.none() | schemas,
        "more": values,
    },
)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("entity_type", "path"),
    [(None, "/schemas"), ("event", "/schemas/event"), ("profile", "/schemas/profile")],
)
async def test_schemas_are_asked_of_the_project(
    script: Script, entity_type: Any, path: str
) -> None:
    view = Target(Credentials("oauth", "tok"), "42", workspace_id="4201")
    wire = script(httpx.Response(200, json={"status": "ok", "results": [ENTRY]}), target=view)
    (entry,) = await lexicon_schemas(Mixpanel(wire.http), entity_type)
    assert (entry.entity_type, entry.name) == ("event", "Plan Upgraded")
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == f"/api/app/projects/42{path}"
    assert wire.query == {}


@pytest.mark.anyio
async def test_one_schema_is_asked_by_its_name(script: Script) -> None:
    wire = script(httpx.Response(200, json={"status": "ok", "results": SCHEMA}))
    found = await lexicon_schema(Mixpanel(wire.http), "event", "Plan / Upgraded & more")
    assert found.description == "User changes plan"
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/app/projects/42/schemas/event"
    assert wire.query == {"entity_name": "Plan / Upgraded & more"}


@pytest.mark.anyio
async def test_a_missing_schema_is_said_with_where_they_are_listed(script: Script) -> None:
    missing = httpx.Response(404, json={"status": "error", "error": "Not found"})
    for wire in (script(missing), script(httpx.Response(200, json={"results": [OTHER]}))):
        with pytest.raises(NotFoundError, match="no event schema named 'Plan'") as caught:
            await lexicon_schema(Mixpanel(wire.http), "event", "Plan")
        assert "inspect_lexicon_schemas" in str(caught.value.hint)


@pytest.mark.anyio
async def test_other_refusals_stay_what_they_are(script: Script) -> None:
    wire = script(httpx.Response(401, json={"status": "error", "error": "no"}))
    with pytest.raises(CredentialsError):
        await lexicon_schema(Mixpanel(wire.http), "event", "Plan")


@pytest.mark.parametrize("answer", VARIANTS)
def test_one_schema_is_read_in_every_variant(answer: Any) -> None:
    found = lexicon_schema_of(answer, "event", "Plan Upgraded")
    assert found.description == "User changes plan"
    assert (found.required, found.additional_properties) == (["plan"], True)
    assert (found.shown.display_name, found.shown.tags) == ("Plan upgraded", ["core"])
    assert (found.shown.hidden, found.shown.dropped) == (False, True)
    assert (found.shown.contacts, found.shown.team_contacts) == (["ana@example.org"], ["Growth"])
    assert found.properties is not None
    plan = found.properties["plan"]
    assert (plan.type, plan.description, plan.shown.display_name) == ("string", "New plan", "Plan")
    assert plan.rules == {"enum": ["team", "pro"]}


@pytest.mark.parametrize("schema", [{"type": "object"}, {"title": "x"}, {"enum": [1]}, {}])
@pytest.mark.parametrize("enveloped", [False, True])
def test_a_schema_that_says_nothing_of_ours_is_a_schema(schema: Any, enveloped: bool) -> None:
    found = lexicon_schema_of({"results": schema} if enveloped else schema, "event", "x")
    assert (found.description, found.properties) == (None, None)


@pytest.mark.parametrize("nothing", [None, {}, []])
def test_a_project_without_schemas_has_an_empty_list(nothing: Any) -> None:
    assert lexicon_schemas_of({"status": "ok", "results": nothing}) == []


@pytest.mark.parametrize("nothing", [None, []])
def test_nothing_in_an_envelope_is_no_schema(nothing: Any) -> None:
    with pytest.raises(NotFoundError, match="no event schema named 'x'"):
        lexicon_schema_of({"status": "ok", "results": nothing}, "event", "x")


@pytest.mark.parametrize("stored", ["no json", "[1]", "5", "[" * 100_000])
def test_a_stored_text_that_is_no_schema_is_an_error_not_a_guess(stored: str) -> None:
    entry = {"name": "x", "schemaJson": stored}
    with pytest.raises(MixpanelError, match="shape"):
        lexicon_schemas_of([entry])
    with pytest.raises(MixpanelError, match="shape"):
        lexicon_schema_of(entry, "event", "x")


@given(schemas, st.sampled_from(["bare", "enveloped", "entry", "list"]))
def test_any_schema_is_read_in_any_variant(schema: dict[str, Any], variant: str) -> None:
    entry = {"name": "x", "schemaJson": schema}
    answers = {"bare": schema, "enveloped": {"results": schema}, "entry": entry, "list": [entry]}
    found = lexicon_schema_of(answers[variant], "profile", "x")
    assert found.description == schema.get("description")
    assert set(found.properties or {}) == set(schema.get("properties") or {})


@given(st.lists(entries, max_size=4), st.booleans())
def test_every_schema_is_listed_by_type_and_name(sent: list[Any], enveloped: bool) -> None:
    found = lexicon_schemas_of({"status": "ok", "results": sent} if enveloped else sent)
    order = [(entry.entity_type or "", entry.name) for entry in found]
    assert order == sorted((each.get("entityType", ""), each["name"]) for each in sent)


@pytest.mark.parametrize("answer", [None, 5, {"a": 1}, {"results": 7}, [1], {"schemaJson": [1]}])
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        lexicon_schemas_of(answer)
    with pytest.raises(MixpanelError, match="shape"):
        lexicon_schema_of(answer, "event", "x")
