"""What goes into the Mixpanel client: who asks about which project, and windows of an export.

Never holds wire formats (each endpoint reads its own), and never shows a secret.
"""

import base64
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from mp_mcp.errors import CredentialsError
from mp_mcp.resolve import Region, project_key

CredentialKind = Literal["service_account", "project_secret", "oauth"]


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
            raise CredentialsError(
                "A service account's user name cannot contain a colon.",
                hint="It looks like mp.a1b2c3.mp-service-account; the secret is given apart.",
            )
        if not _is_unicode(self.username + self.secret):
            raise CredentialsError(
                "The credentials contain half a character.", hint="Copy them again."
            )
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


def _is_unicode(text: str) -> bool:
    """Environment variables can hold bytes that are no text."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


@dataclass(frozen=True)
class Target:
    """Which project is asked, where it lives and in whose name."""

    credentials: Credentials
    project_id: str
    region: Region = "us"
    base_url: str | None = None
    workspace_id: str | None = None

    @property
    def project_key(self) -> str:
        """The project and where it lives: the name of its budget."""
        return project_key(self.region, self.base_url, self.project_id)


@dataclass(frozen=True)
class Window:
    """Days of an export, both ends included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class ExportedFile:
    """A complete export of one window: NDJSON, gzipped exactly when the name ends with `.gz`.

    `bytes` is the file's size, `asked_at` the UTC time at which it was asked for.
    """

    path: Path
    bytes: int
    window: Window
    asked_at: datetime
