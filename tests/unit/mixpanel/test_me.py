"""`GET app/me` on the wire, and the shapes of its answers."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.me import Project, me, me_of

from .conftest import Script
from .shapes import texts, values


@pytest.mark.anyio
async def test_the_user_is_asked_without_a_project(script: Script) -> None:
    wire = script(httpx.Response(200, json={"status": "ok", "results": {"user_id": 9}}))
    assert (await me(wire.http)).user_id == "9"
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/app/me"
    assert wire.query == {"include_workspace_users": "false"}


@given(
    st.dictionaries(
        st.integers(1).map(str),
        st.fixed_dictionaries(
            {"name": st.text()},
            optional={"timezone": texts, "domain": texts, "role": texts, "type": values},
        ),
        max_size=3,
    )
)
def test_every_visible_project_is_read(projects: dict[str, Any]) -> None:
    found = me_of({"status": "ok", "results": {"user_id": 9, "projects": projects}})
    assert found.user_id == "9"
    assert {project.id: project.name for project in found.projects} == {
        project_id: entry["name"] for project_id, entry in projects.items()
    }


def test_the_user_is_read_with_projects_and_data_views() -> None:
    found = me_of(
        {
            "status": "ok",
            "results": {
                "user_id": 9,
                "user_email": "sa@example.org",
                "user_name": "etl",
                "projects": {
                    "42": {
                        "name": "Shop",
                        "timezone": "Europe/Lisbon",
                        "domain": "eu.mixpanel.com",
                        "type": 1,
                        "role": "analyst",
                    }
                },
                "workspaces": {
                    "4201": {"id": 4201, "name": "All", "project_id": 42, "is_global": True}
                },
            },
        }
    )
    shop = found.project("42")
    assert shop is not None
    known = (shop.name, shop.timezone, shop.region, shop.role)
    assert known == ("Shop", "Europe/Lisbon", "eu", "analyst")
    assert found.project("43") is None
    assert [(view.id, view.project_id, view.is_global) for view in found.workspaces] == [
        ("4201", "42", True)
    ]


@pytest.mark.parametrize(
    ("domain", "region"),
    [("mixpanel.com", "us"), ("", "us"), ("eu.mixpanel.com", "eu"), ("in.mixpanel.com", "in")],
)
def test_the_domain_of_a_project_tells_its_region(domain: str, region: str) -> None:
    assert Project(id="1", domain=domain).region == region


@pytest.mark.parametrize("answer", [None, 5, "text", [{"a": 1}], {"a": [1]}, {"results": 7}])
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        me_of(answer)
