import base64
from typing import Any

import httpx
import pytest

from mp_mcp.demo.world import World
from tests.unit.demo.conftest import AUTH, Ask

NAMES = "/api/query/events/names"
DAY = {"from_date": "2025-03-31", "to_date": "2025-03-31"}


def _header(text: str) -> dict[str, str]:
    return {"Authorization": text}


def _refused(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()["error"]


def test_a_service_account_needs_the_project_id_on_query_and_export(ask: Ask) -> None:
    assert ask("GET", NAMES, params={"project_id": "1001"}).status_code == 200
    for path in (NAMES, "/api/2.0/export"):
        answer = ask("GET", path, params=DAY)
        assert answer.status_code == 400
        assert "project_id" in answer.json()["error"]


def test_the_project_id_may_be_a_number_in_the_body(ask: Ask) -> None:
    answer = ask("POST", "/api/query/nothing", json={"project_id": 1001})
    assert answer.json()["error"] == "Invalid API endpoint"


def test_a_project_secret_identifies_its_project(ask: Ask) -> None:
    secret = ("shop-project-secret", "")
    assert ask("GET", NAMES, auth=secret).status_code == 200
    assert ask("GET", "/api/2.0/export", auth=secret, params=DAY).status_code == 200
    assert ask("GET", "/api/app/me", auth=secret).status_code == 401
    assert ask("GET", NAMES, auth=secret, params={"project_id": "2002"}).status_code == 403


@pytest.mark.parametrize("text", ["shop-project-secret", "shop-project-secret:"])
def test_the_server_takes_a_bare_secret_and_unencoded_credentials(ask: Ask, text: str) -> None:
    encoded = base64.b64encode(text.encode()).decode()
    for credential in (encoded, text):
        answer = ask("GET", NAMES, auth=None, headers=_header(f"Basic {credential}"))
        assert answer.status_code == 200


def test_a_bearer_token_works_everywhere_with_the_project_id(ask: Ask) -> None:
    header = _header("Bearer demo-token")
    assert ask("GET", "/api/app/me", auth=None, headers=header).status_code == 200
    asked = {"project_id": "1001"}
    assert ask("GET", NAMES, auth=None, headers=header, params=asked).status_code == 200
    assert ask("GET", NAMES, auth=None, headers=header).status_code == 400


def test_a_foreign_or_unknown_project_is_forbidden(ask: Ask) -> None:
    for project_id in ("2002", "9999"):
        answer = ask("GET", NAMES, params={"project_id": project_id})
        assert answer.status_code == 403
        assert set(answer.json()) == {"request", "error"}


@pytest.mark.parametrize("auth", [("demo.svc", "wrong"), ("nobody", "demo-secret"), None])
def test_wrong_credentials_are_unauthorized(ask: Ask, auth: Any) -> None:
    query = ask("GET", NAMES, auth=auth, params={"project_id": "1001"})
    assert query.status_code == 401
    assert set(query.json()) == {"request", "error"}
    app = ask("GET", "/api/app/me", auth=auth)
    assert (app.status_code, app.json()["status"]) == (401, "error")


def test_wrong_credentials_may_look_like_a_bad_request(ask: Ask, world: World) -> None:
    world.switches.turn({"auth_error": 400})
    answer = ask("GET", NAMES, auth=("demo.svc", "wrong"), params={"project_id": "1001"})
    assert _refused(answer) == (400, "Unable to authenticate request")
    assert ask("GET", "/api/app/me", auth=("demo.svc", "wrong")).status_code == 401


def test_an_expired_account_is_unauthorized(ask: Ask, world: World) -> None:
    world.switches.turn({"expired": True})
    assert ask("GET", NAMES, params={"project_id": "1001"}).status_code == 401


def test_two_accounts_see_two_projects_with_their_own_data(ask: Ask) -> None:
    one = ask("GET", "/api/2.0/export", params={**DAY, "project_id": "1001"})
    other_auth = ("other.svc", "other-secret")
    other = ask("GET", "/api/2.0/export", auth=other_auth, params={**DAY, "project_id": "2002"})
    assert other.status_code == 200
    assert set(one.text.split("\n")).isdisjoint(set(other.text.split("\n")) - {""})
    assert ask("GET", "/api/app/projects/2002/bookmarks", auth=AUTH).status_code == 403
