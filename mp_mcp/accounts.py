"""Stored accounts (mp.toml), and which of them a client means.

Never asks Mixpanel whether a secret is right, and never shows one.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from mp_mcp.errors import CredentialsError, DiskFullError, SettingsError
from mp_mcp.settings import Asking, Home, seconds

Region = Literal["us", "eu", "in"]
REGIONS: dict[str, Region] = {"us": "us", "eu": "eu", "in": "in"}


@dataclass(frozen=True)
class Account:
    """A stored account of mp.toml (or of an older program's config.toml)."""

    name: str
    username: str | None = None
    secret: str | None = None
    oauth_token: str | None = None
    project_id: str | None = None
    region: str | None = None

    def __repr__(self) -> str:
        return f"Account({self.name!r})"


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

    def __repr__(self) -> str:
        return f"Resolved(account={self.account!r}, project_id={self.project_id!r})"

    @property
    def has_credentials(self) -> bool:
        """Whether Mixpanel can be asked at all."""
        return bool(self.oauth_token or self.secret)

    def require_project(self) -> str:
        """The project id. Raises: SettingsError when none is chosen."""
        if self.project_id is None:
            raise SettingsError(
                "No Mixpanel project is chosen.",
                hint="Set MP_PROJECT_ID, pass --project ID, or run `mp auth login`.",
            )
        return self.project_id

    def require_credentials(self) -> None:
        """Raises: CredentialsError when there are none."""
        if not self.has_credentials:
            raise CredentialsError(
                "No Mixpanel credentials are configured.",
                hint="Run `mp auth login`, or set MP_USERNAME, MP_SECRET and MP_PROJECT_ID.",
            )


def resolve(client: Asking, stored: "Stored") -> Resolved:
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
    )


@dataclass(frozen=True)
class ServerSettings:
    """`[server]` of mp.toml. Times are in seconds."""

    release_after_s: float = 60.0
    exit_after_s: float = 600.0


@dataclass(frozen=True)
class Stored:
    """The content of mp.toml."""

    default: str | None
    accounts: Mapping[str, Account]
    server: ServerSettings

    def account(self, name: str) -> Account:
        """Raises: CredentialsError that names the accounts that exist."""
        if name in self.accounts:
            return self.accounts[name]
        known = ", ".join(sorted(self.accounts)) or "none"
        raise CredentialsError(
            f"No account is named {name!r}.", hint=f"Stored accounts: {known}. See `mp auth list`."
        )


def read_stored(home: Home) -> Stored:
    """Read mp.toml, and the accounts of an older program's config.toml beside it.

    Raises: SettingsError when a file is malformed or readable by others.
    """
    older = _parse(home.older_config, strict=False)
    ours = _parse(home.config, strict=True)
    accounts = {**_accounts(older), **_accounts(ours)}
    default = ours.get("default") or older.get("default")
    if default is None and len(accounts) == 1:
        default = next(iter(accounts))
    section = ours.get("server", {})
    if not isinstance(section, Mapping):
        raise SettingsError(f"{home.config}: [server] must be a table.")
    server = ServerSettings(
        **{
            field.name: seconds(field.name, section[field.name], 0.0)
            for field in fields(ServerSettings)
            if field.name in section
        }
    )
    return Stored(str(default) if default else None, accounts, server)


def save_account(home: Home, account: Account, *, make_default: bool) -> None:
    """Write one account into mp.toml (0600), keeping the rest of the file's meaning."""
    home.create()
    found = _parse(home.config, strict=True)
    entry = {
        field.name: getattr(account, field.name)
        for field in fields(Account)
        if field.name != "name" and getattr(account, field.name) is not None
    }
    sections = found.setdefault("accounts", {})
    if not isinstance(sections, dict):
        raise SettingsError(f"{home.config}: [accounts] must be a table.", hint="Mend the file.")
    sections[account.name] = entry
    if make_default or "default" not in found:
        found["default"] = account.name
    partial = home.config.with_suffix(".part")
    partial.unlink(missing_ok=True)
    try:
        opened = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "wb") as file:
            file.write(_as_toml(found).encode())
        partial.replace(home.config)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise DiskFullError(
            f"{home.config} cannot be written: {error.strerror}.",
            hint="Free space; then try again.",
        ) from error


def _parse(path: Path, *, strict: bool) -> dict[str, Any]:
    import tomllib  # not paid by an `mp` that needs no account

    try:
        if strict and path.stat().st_mode & 0o077:
            raise SettingsError(
                f"{path} can be read by other users.", hint=f"Run: chmod 600 {path}"
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        if not strict:
            return {}
        raise SettingsError(
            f"{path} cannot be read: {error}", hint="Mend the file, or remove it and log in again."
        ) from error


def _accounts(found: Mapping[str, Any]) -> dict[str, Account]:
    known = {field.name for field in fields(Account)} - {"name"}
    sections = found.get("accounts")
    if not isinstance(sections, Mapping):
        return {}
    return {
        name: Account(name, **{key: str(entry[key]) for key in known if entry.get(key)})
        for name, entry in sections.items()
        if isinstance(entry, Mapping)
    }


def _as_toml(found: Mapping[str, Any]) -> str:
    """Tables down to `[section.name]`; whatever lies deeper becomes inline tables."""
    lines = _pairs({k: v for k, v in found.items() if not isinstance(v, Mapping)})
    for key, section in found.items():
        if isinstance(section, Mapping):
            nested = {k: v for k, v in section.items() if isinstance(v, Mapping)}
            lines += ["", f"[{_key(key)}]"]
            lines += _pairs({k: v for k, v in section.items() if k not in nested})
            for name, entry in nested.items():
                lines += ["", f"[{_key(key)}.{_key(name)}]", *_pairs(entry)]
    return "\n".join(lines).lstrip() + "\n"


def _pairs(found: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_value(value)}" for key, value in found.items()]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _value(key)


def _value(value: Any) -> str:
    import json  # a JSON string is a TOML basic string, but for one character

    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(_pairs(value)) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def base_url_name(base_url: str) -> str:
    """A folder name for another base URL: `<host>-<port>`.

    Raises: SettingsError when it is no http(s) URL.
    """
    refused = SettingsError(
        f"MP_API_BASE_URL {base_url!r} is no http(s) URL.", hint="Example: http://127.0.0.1:8080"
    )
    try:
        parts = urlsplit(base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise refused from error
    host = re.sub(r"[^A-Za-z0-9.-]", "_", parts.hostname or "")
    if parts.scheme not in ("http", "https") or not host.strip("."):
        raise refused
    return f"{host}-{port}"


def _checked_project(project_id: str | None) -> str | None:
    if project_id is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", project_id):
        raise SettingsError(
            f"{project_id!r} is not a project id.", hint="It is the number in Mixpanel's URLs."
        )
    return project_id
