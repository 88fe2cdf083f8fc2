"""The simulator's data views."""

from tests.unit.demo.conftest import Ask

OTHER = ("other.svc", "other-secret")


def test_a_project_has_a_public_view_of_everything(ask: Ask) -> None:
    body = ask("GET", "/api/app/projects/1001/workspaces/public").json()
    assert body["status"] == "ok"
    (view,) = body["results"]
    assert (view["id"], view["project_id"], view["is_global"]) == (100101, 1001, True)
    assert ask("GET", "/api/app/projects/2002/workspaces/public").status_code == 403


def test_the_metadata_index_maps_projects_to_their_views(ask: Ask) -> None:
    results = ask("GET", "/api/app/projects/metadata/index").json()["results"]
    assert list(results) == ["1001"]
    assert list(results["1001"]["workspaces"]) == ["100101"]


def test_me_accepts_to_leave_out_the_users_of_the_views(ask: Ask) -> None:
    asked = {"include_workspace_users": "false"}
    assert ask("GET", "/api/app/me", params=asked).json() == ask("GET", "/api/app/me").json()


def test_the_other_project_has_another_zone_and_an_empty_domain(ask: Ask) -> None:
    project = ask("GET", "/api/app/me", auth=OTHER).json()["results"]["projects"]["2002"]
    assert (project["timezone"], project["domain"]) == ("America/Sao_Paulo", "")
