"""`GET app/me`: who the credentials belong to, and what they can see.

Never needs a project: it is how one finds out which there are.
"""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from mp_mcp.mixpanel.answers import read, unexpected, unwrapped
from mp_mcp.mixpanel.transport import Question, Transport
from mp_mcp.resolve import Region

ME = Question("GET", "app", "/me", {"include_workspace_users": "false"})
"""Asked without the users of each data view, who can be many."""


class Project(BaseModel):
    """A project that the credentials can see."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str
    name: str = ""
    timezone: str | None = None
    domain: str = ""
    role: str | None = None

    @property
    def region(self) -> Region:
        """Where it lives; Mixpanel leaves the domain of some US projects empty."""
        if self.domain.startswith("eu."):
            return "eu"
        return "in" if self.domain.startswith("in.") else "us"


class Workspace(BaseModel):
    """A data view of a project."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str
    name: str = ""
    project_id: str | None = None
    is_global: bool = False
    is_default: bool = False


class Me(BaseModel):
    """Who the credentials belong to, and what they can see."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    user_id: str | None = None
    user_name: str | None = None
    user_email: str | None = None
    projects: list[Project] = Field(default_factory=list)
    workspaces: list[Workspace] = Field(default_factory=list)

    def project(self, project_id: str) -> Project | None:
        """The project of that id, when it is visible."""
        return next((project for project in self.projects if project.id == project_id), None)


_ME = TypeAdapter(Me)


async def me(transport: Transport) -> Me:
    """Who the credentials belong to; the cheapest proof that they work, and never cached."""
    return me_of(await transport.ask(ME))


def me_of(answer: Any) -> Me:
    """The user and what it can see; ids are the keys of Mixpanel's maps."""
    results = unwrapped(answer)
    if not isinstance(results, dict) or not results.keys() & {"user_id", "projects"}:
        raise unexpected("the user")
    return read(
        _ME,
        {
            **{key: results.get(key) for key in ("user_id", "user_name", "user_email")},
            "projects": list(_entries(results.get("projects"))),
            "workspaces": list(_entries(results.get("workspaces"))),
        },
        "the user",
    )


def _entries(found: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(found, dict):
        return
    for key, entry in found.items():
        if isinstance(entry, dict):
            known = {name: value for name, value in entry.items() if value is not None}
            yield {**known, "id": key}
