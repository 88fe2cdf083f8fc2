"""Stored accounts and server settings: mp.toml, and an older program's config.toml beside it.

Never decides which account a client means (`resolve.py` does), and never shows a secret.
"""

import math
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


def _setting(default: float, meaning: str, *, least: float, most: float = math.inf) -> Any:
    return field(default=default, metadata={"meaning": meaning, "least": least, "most": most})


@dataclass(frozen=True)
class ServerSettings:
    """`[server]` of mp.toml: times and limits of a server. All are numbers."""

    release_after_s: float = _setting(
        60.0, "an idle database file is closed after so many seconds", least=0
    )
    exit_after_s: float = _setting(
        600.0, "the server ends after so many seconds without a client", least=0
    )
    late_days: float = _setting(
        5.0, "events may arrive so many days late: until then a fetch asks", least=0
    )
    max_clients: float = _setting(64.0, "clients connected at once; `mp` may use 8 more", least=1)
    max_waiting_writes: float = _setting(64.0, "writes that wait for one database", least=1)
    max_reads: float = _setting(
        8.0, "queries that run at once on one database; others wait", least=1
    )
    max_cache_mb: float = _setting(
        200.0, "kept answers of Mixpanel; the oldest ones make room", least=1
    )
    history_days: float = _setting(30.0, "how long the history of calls is kept", least=0)
    max_database_percent: float = _setting(
        25.0, "of the memory of this computer, for DuckDB", least=1, most=100
    )
    max_process_gb: float = _setting(12.0, "address space of the whole server (RLIMIT_AS)", least=2)


SERVER_SETTINGS = {one.name: one for one in fields(ServerSettings)}


@dataclass(frozen=True)
class Stored:
    """The content of mp.toml."""

    default: str | None
    accounts: Mapping[str, Account]
    server: ServerSettings
    unknown: tuple[str, ...] = ()
    """Keys of [server] that nobody reads: misspelt ones, or of another version."""

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
    unknown = tuple(str(name) for name in section if name not in SERVER_SETTINGS)
    return Stored(str(default) if default else None, accounts, server, unknown)


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


def range_of(name: str) -> str:
    """What a setting of [server] may be, for people."""
    least, most = (SERVER_SETTINGS[name].metadata[key] for key in ("least", "most"))
    return f"at least {least:g}" if most == math.inf else f"{least:g} to {most:g}"


def _number(name: str, value: object) -> float:
    """Raises: SettingsError that says what the setting may be."""
    found = number(f"[server] {name}", value)
    setting = SERVER_SETTINGS[name]
    if not setting.metadata["least"] <= found <= setting.metadata["most"]:
        raise SettingsError(
            f"[server] {name} in mp.toml must be {range_of(name)}, not {value}.",
            hint=f"Change it there, or take the line out: the default is {setting.default:g}.",
        )
    return found


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
