"""Stored accounts and server settings: mp.toml, and an older program's config.toml beside it.

Never decides which account a client means (`resolve.py` does), and never shows a secret.
"""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mp_mcp import file_locks
from mp_mcp.errors import NO_SPACE, CredentialsError, DiskFullError, SettingsError
from mp_mcp.settings import Home, number


@dataclass(frozen=True)
class Account:
    """A stored account; with `in_keyring` the system's keyring has its secret or token."""

    name: str
    username: str | None = None
    secret: str | None = None
    oauth_token: str | None = None
    project_id: str | None = None
    region: str | None = None
    in_keyring: bool = False

    def __repr__(self) -> str:
        return f"Account({self.name!r})"


@dataclass(frozen=True)
class ServerSettings:
    """`[server]` of mp.toml: times and limits of a server. All are numbers."""

    release_after_s: float = field(
        default=60.0, metadata={"meaning": "an idle database file is closed after so many seconds"}
    )
    exit_after_s: float = field(
        default=600.0,
        metadata={"meaning": "the server ends after so many seconds without a client"},
    )
    late_days: float = field(
        default=5.0,
        metadata={"meaning": "events may arrive so many days late: until then a fetch asks"},
    )
    max_clients: float = field(
        default=64.0, metadata={"meaning": "clients connected at once; `mp` may use 8 more"}
    )
    max_waiting_writes: float = field(
        default=64.0, metadata={"meaning": "writes that wait for one database"}
    )
    max_reads: float = field(
        default=8.0, metadata={"meaning": "queries that run at once on one database; others wait"}
    )
    max_cache_mb: float = field(
        default=200.0, metadata={"meaning": "kept answers of Mixpanel; the oldest ones make room"}
    )
    history_days: float = field(
        default=30.0, metadata={"meaning": "how long the history of calls is kept"}
    )
    max_database_percent: float = field(
        default=25.0, metadata={"meaning": "of the memory of this computer, for DuckDB"}
    )
    max_process_gb: float = field(
        default=12.0, metadata={"meaning": "address space of the whole server (RLIMIT_AS)"}
    )


SERVER_SETTINGS = {one.name: one for one in fields(ServerSettings)}


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
        **{name: _number(name, section[name]) for name in SERVER_SETTINGS if name in section}
    )
    return Stored(str(default) if default else None, accounts, server)


def save_account(home: Home, account: Account, *, make_default: bool) -> None:
    """Write one account into mp.toml (0600), keeping the rest of the file's meaning.

    Raises: SettingsError, DiskFullError.
    """
    entry = {
        field.name: getattr(account, field.name)
        for field in fields(Account)
        if field.name != "name" and getattr(account, field.name)
    }
    with _changing(home) as found:
        _sections(home, found)[account.name] = entry
        if make_default or "default" not in found:
            found["default"] = account.name


def make_default(home: Home, name: str) -> str | None:
    """Use a stored account from now on; the one that was the default before.

    Raises: CredentialsError for an unknown account; SettingsError, DiskFullError.
    """
    stored = read_stored(home)
    stored.account(name)
    with _changing(home) as found:
        found["default"] = name
    return stored.default


def remove_account(home: Home, name: str) -> str | None:
    """Take an account out of mp.toml; the account that is the default afterwards.

    Raises: CredentialsError when mp.toml has none of that name; SettingsError, DiskFullError.
    """
    with _changing(home) as found:
        sections = _sections(home, found)
        if name not in sections:
            older = name in _accounts(_parse(home.older_config, strict=False))
            raise CredentialsError(
                f"mp.toml has no account {name!r}.",
                hint=f"It is in {home.older_config}, which belongs to an older program: edit that."
                if older
                else "See `mp auth list`.",
            )
        del sections[name]
        if found.get("default") == name:
            del found["default"]
    return read_stored(home).default


@contextmanager
def _changing(home: Home) -> Iterator[dict[str, Any]]:
    """The content of mp.toml, written back after the block; one program changes it at a time."""
    import tomli_w  # paid by those that write

    try:
        home.create()
        with (home.run / "mp.toml.lock").open("w") as held:
            file_locks.lock(held.fileno())
            found = _parse(home.config, strict=True)
            yield found
            _write(home.config, tomli_w.dumps(found))
    except OSError as error:
        if error.errno in NO_SPACE:
            raise DiskFullError(
                f"The disk is full: {home.config} could not be written.",
                hint="Free some space, then try again.",
            ) from error
        raise SettingsError(
            f"{home.config} cannot be written: {error.strerror}.",
            hint=f"Make {home.path} writable, or choose another folder with MP_HOME.",
        ) from error


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(f".{secrets.token_hex(4)}.part")
    try:
        opened = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8") as file:
            file.write(text)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _sections(home: Home, found: dict[str, Any]) -> dict[str, Any]:
    sections = found.setdefault("accounts", {})
    if not isinstance(sections, dict):
        raise SettingsError(f"{home.config}: [accounts] must be a table.", hint="Mend the file.")
    return sections


def _parse(path: Path, *, strict: bool) -> dict[str, Any]:
    import tomllib  # not paid by an `mp` that needs no account

    try:
        if path.stat().st_mode & 0o077:
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


def _number(name: str, value: object) -> float:
    """A time may be zero; a limit lets at least one through. Raises: SettingsError."""
    return max(1.0 if name.startswith("max_") else 0.0, number(f"[server] {name}", value))


def _accounts(found: Mapping[str, Any]) -> dict[str, Account]:
    texts = {field.name for field in fields(Account)} - {"name", "in_keyring"}
    sections = found.get("accounts")
    if not isinstance(sections, Mapping):
        return {}
    return {
        name: Account(
            name,
            in_keyring=entry.get("in_keyring") is True,
            **{key: str(entry[key]) for key in texts if entry.get(key)},
        )
        for name, entry in sections.items()
        if isinstance(entry, Mapping)
    }
