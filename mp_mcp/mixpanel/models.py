"""What goes into the Mixpanel client (who asks about which project) and what it answers.

Never holds wire formats (answers.py reads those), and never shows a secret.
"""

import base64
import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mp_mcp.errors import CredentialsError

CredentialKind = Literal["service_account", "project_secret", "oauth"]
Region = Literal["us", "eu", "in"]
Cell = str | int | float


@dataclass(frozen=True)
class Credentials:
    """Proof of who asks: a service account, a project's API secret, or an OAuth bearer token."""

    kind: CredentialKind
    secret: str = field(repr=False)
    username: str = ""

    def __post_init__(self) -> None:
        if not self.secret or (self.kind == "service_account" and not self.username):
            raise CredentialsError(
                "The Mixpanel credentials are incomplete.", hint="Run `mp auth login` again."
            )
        if ":" in self.username:
            raise CredentialsError("A service account's username cannot contain a colon.")
        if self.kind == "oauth" and not (self.secret.isascii() and self.secret.isprintable()):
            raise CredentialsError(
                "The OAuth token contains characters that no token has.",
                hint="Copy it again, without line breaks.",
            )

    @classmethod
    def of(
        cls, *, username: str | None, secret: str | None, oauth_token: str | None
    ) -> "Credentials":
        """The strongest of what is given: token, else service account, else project secret."""
        if oauth_token:
            return cls("oauth", oauth_token)
        if username:
            return cls("service_account", secret or "", username)
        return cls("project_secret", secret or "")

    @property
    def authorization(self) -> str:
        """The value of the Authorization header."""
        if self.kind == "oauth":
            return f"Bearer {self.secret}"
        # Mixpanel takes a project secret as the user name, with an empty password.
        pair = f"{self.username}:{self.secret}" if self.username else f"{self.secret}:"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"


@dataclass(frozen=True)
class Target:
    """Which project is asked, where it lives and in whose name."""

    credentials: Credentials
    project_id: str
    region: Region = "us"
    base_url: str | None = None
    workspace_id: str | None = None


@dataclass(frozen=True)
class Window:
    """Days of an export, both ends included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True)
class ExportedFile:
    """A complete export of one window: NDJSON, gzipped exactly when the name ends with `.gz`.

    `bytes` is the file's size.
    """

    path: Path
    bytes: int
    window: Window


class Bookmark(BaseModel):
    """A saved report. Times are as Mixpanel sends them, without zone."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    id: int
    name: str | None = None
    type: str | None = None
    description: str | None = None
    created: str | None = None
    modified: str | None = None
    creator_name: str | None = None
    creator_email: str | None = None
    last_modified_by_name: str | None = None
    dashboard_id: int | None = None
    workspace_id: int | None = None
    params: Any = Field(
        default=None, exclude=True, repr=False, description="definition of the report; large"
    )

    @field_validator("params", mode="before")
    @classmethod
    def _decoded(cls, value: Any) -> Any:
        """Some routes send the definition as JSON text."""
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value


class Series(BaseModel):
    """Numbers over time: one row per period in order, one column per series, zeros filled in."""

    columns: list[str] = Field(description='"date", then one name per series')
    rows: list[list[Cell]]


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
