"""The simulator's annotations: listed, filtered, created and deleted."""

from typing import Any

import httpx
import pytest

from mp_mcp.demo.world import World
from tests.unit.demo.conftest import Ask

NOTES = "/api/app/projects/1001/annotations"


def _descriptions(answer: httpx.Response) -> list[str]:
    body = answer.json()
    assert body["status"] == "ok"
    return [note["description"] for note in body["results"]]


def _create(ask: Ask, **fields: Any) -> httpx.Response:
    body = {"date": "2025-03-28 10:00:00", "description": "v2", "tags": [1], **fields}
    return ask("POST", NOTES, json=body)


def test_annotations_are_listed_with_their_user_and_tags(ask: Ask) -> None:
    note = ask("GET", NOTES).json()["results"][0]
    assert set(note) == {"id", "project_id", "date", "description", "user", "tags"}
    assert note["date"] == "2025-03-20 12:00:00"
    assert note["user"] == {"id": 9, "first_name": "Ana", "last_name": "P"}
    assert note["tags"] == [{"id": 1, "name": "release"}]


def test_annotations_are_filtered_by_days_and_tags(ask: Ask) -> None:
    days = {"fromDate": "2025-03-21", "toDate": "2025-03-31"}
    assert _descriptions(ask("GET", f"{NOTES}/", params=days)) == ["Ofertas 🛒", "Release 4.2.0"]
    assert _descriptions(ask("GET", NOTES, params={"tags": "2,3"})) == ["Ofertas 🛒"]
    assert ask("GET", NOTES, params={"fromDate": "soon"}).status_code == 400


def test_an_annotation_is_created_read_changed_and_deleted(ask: Ask) -> None:
    created = _create(ask)
    assert created.status_code == 201
    note = created.json()["results"]
    one = f"{NOTES}/{note['id']}"
    assert ask("GET", one).json()["results"] == note
    changed = ask("PATCH", one, json={"description": "v3", "tags": [], "date": "2020-01-01"})
    assert changed.json()["results"] == {**note, "description": "v3", "tags": []}
    assert ask("DELETE", one).json() == {"status": "ok", "results": {"id": note["id"]}}
    for method in ("GET", "DELETE", "PATCH"):
        missing = ask(method, one)
        assert (missing.status_code, missing.json()["status"]) == (404, "error")


def test_a_changed_book_is_of_this_world_only(ask: Ask) -> None:
    assert len(_descriptions(ask("GET", NOTES))) == 3


@pytest.mark.parametrize(
    "fields", [{"date": "tomorrow"}, {"description": ""}, {"description": 5}, {"tags": [99]}]
)
def test_a_wrong_body_is_a_bad_request_with_details(ask: Ask, fields: dict[str, Any]) -> None:
    answer = _create(ask, **fields)
    assert answer.status_code == 400
    body = answer.json()
    assert body["status"] == "error"
    assert body["details"]["path"] == list(fields)
    assert set(body["details"]) == {"path", "schema", "data"}


@pytest.mark.parametrize("envelope", ["bare", "results"])
def test_tags_are_bare_or_within_results(ask: Ask, world: World, envelope: str) -> None:
    world.switches.turn({"tags_envelope": envelope})
    listed, created = (
        ask("GET", f"{NOTES}/tags").json(),
        ask("POST", f"{NOTES}/tags", json={"name": "outage"}).json(),
    )
    if envelope == "results":
        assert listed["status"] == created["status"] == "ok"
        listed, created = listed["results"], created["results"]
    assert listed[0] == {"id": 1, "name": "release", "project_id": 1001, "has_annotations": True}
    assert (created["name"], created["has_annotations"]) == ("outage", False)


def test_the_old_list_is_under_the_query_prefix(ask: Ask) -> None:
    asked = {"project_id": "1001", "from_date": "2025-03-20", "to_date": "2025-03-20"}
    for path in ("/api/query/annotations", "/api/2.0/annotations"):
        body = ask("GET", path, params=asked).json()
        assert [note["description"] for note in body["annotations"]] == ["Release 4.1.3"]
