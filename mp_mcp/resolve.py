"""Which account, project and region a client means: flags over environment over mp.toml.

Never asks Mixpanel whether a secret is right, and never shows one.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal, Self
from urllib.parse import urlsplit

from mp_mcp.accounts import Account, Stored
from mp_mcp.errors import CredentialsError, SettingsError
from mp_mcp.settings import Asking

Region = Literal["us", "eu", "in"]
REGIONS: dict[str, Region] = {"us": "us", "eu": "eu", "in": "in"}


LOGIN = "Run `mp auth login`, or set MP_USERNAME, MP_SECRET and MP_PROJECT_ID."


@dataclass(frozen=True)
class Resolved:
    """Who is asking about what, and where each part came from."""

    username: str | None
    secret: str | None
    oauth_token: str | None
    project_id: str | None
    region: Region
    base_url: str | None
    workspace_id: str | None
    account: str | None
    source: str
    in_keyring: bool = False
    others: tuple[str, ...] = ()
    """Stored accounts, when none of them is chosen."""

    def __repr__(self) -> str:
        return f"Resolved(account={self.account!r}, project_id={self.project_id!r})"

    def with_secret(self, *, secret: str | None = None, oauth_token: str | None = None) -> Self:
        """The same with what the keyring had."""
        return replace(self, secret=secret, oauth_token=oauth_token)

    @property
    def has_credentials(self) -> bool:
        """Whether Mixpanel can be asked at all."""
        return bool(self.oauth_token or self.secret or self.in_keyring)

    @property
    def project_key(self) -> str:
        """The project and where it lives: what is counted is counted under this name."""
        return project_key(self.region, self.base_url, self.project_id or "")

    @property
    def remedy(self) -> str | None:
        """What to do when accounts are stored, but none of them is chosen."""
        if not self.others:
            return None
        return f"No account is the default: `mp auth switch NAME`, of {', '.join(self.others)}."

    def require_project(self) -> str:
        """The project id. Raises: SettingsError when none is chosen."""
        if self.project_id is None:
            raise SettingsError(
                "No Mixpanel project is chosen.",
                hint=self.remedy or "Set MP_PROJECT_ID, pass --project ID, or `mp auth login`.",
            )
        return self.project_id

    def require_credentials(self) -> None:
        """Raises: CredentialsError when there are none."""
        if not self.has_credentials:
            raise CredentialsError(
                "No Mixpanel credentials are configured.",
                hint=self.remedy or LOGIN,
            )


def resolve(client: Asking, stored: Stored) -> Resolved:
    """Join what a client brings with the stored accounts.

    Raises: CredentialsError for an unknown account, SettingsError for a malformed value.
    """
    if client.username and not (client.secret or client.oauth_token):
        raise CredentialsError(
            "MP_USERNAME is set, but MP_SECRET is not.",
            hint="Set both, or neither to use a stored account.",
        )
    is_project_secret = client.secret and client.project_id and not client.account
    has_own = bool(client.oauth_token or client.username or is_project_secret)
    chosen = client.account or stored.default
    if has_own:
        account = Account("", client.username, client.secret, client.oauth_token)
        source = "environment"
    elif client.account or (chosen and chosen in stored.accounts):
        account, source = stored.account(str(chosen)), f"account {chosen}"
    else:
        account, source = Account(""), "none"
    region = (client.region or account.region or "us").lower()
    if region not in REGIONS:
        raise SettingsError(f"Unknown region {region!r}.", hint="Use us, eu or in.")
    if client.base_url:
        base_url_name(client.base_url)  # refuses what is no URL
    return Resolved(
        username=account.username,
        secret=account.secret,
        oauth_token=account.oauth_token,
        project_id=_checked_project(client.project_id or account.project_id),
        region=REGIONS[region],
        base_url=client.base_url,
        workspace_id=client.workspace_id,
        account=account.name or None,
        source=source,
        in_keyring=account.in_keyring,
        others=tuple(sorted(stored.accounts)) if source == "none" else (),
    )


def project_key(region: str, base_url: str | None, project_id: str) -> str:
    """A project and where it lives, in one word."""
    return f"{place_of(region, base_url)}/{project_id}"


def place_of(region: str, base_url: str | None) -> str:
    """Where projects live: the region, or the host and port of another base URL."""
    return base_url_name(base_url) if base_url else region


def base_url_name(base_url: str) -> str:
    """A folder name for another base URL: `<host>-<port>`.

    Raises: SettingsError when it is no http(s) URL, or has a part where people write secrets. The
    message never repeats it.
    """
    refused = SettingsError(
        "MP_API_BASE_URL is no http(s) URL without user, password and query.",
        hint="Example: http://127.0.0.1:8080",
    )
    try:
        parts = urlsplit(base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise refused from error
    host = re.sub(r"[^A-Za-z0-9.-]", "_", parts.hostname or "")
    may_hold_secrets = "@" in parts.netloc or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or not host.strip(".") or may_hold_secrets:
        raise refused
    return f"{host}-{port}"


def _checked_project(project_id: str | None) -> str | None:
    if project_id is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", project_id):
        raise SettingsError(
            f"{project_id!r} is not a project id.", hint="It is the number in Mixpanel's URLs."
        )
    return project_id
