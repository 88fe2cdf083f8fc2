"""Secrets in the system's keyring: the real package, with a keyring that lives in this process."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import PasswordDeleteError

from mp_mcp import keychain
from mp_mcp.errors import CredentialsError
from mp_mcp.settings import Home

HOME = Home(Path("/state"))


class MemoryKeyring(KeyringBackend):
    """Keeps secrets as long as it lives; a locked one refuses."""

    # keyring finds every class by itself; for all other tests this one must be no choice.
    priority: Any = -1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep one."""
        self._require_unlocked()
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        """Give one back."""
        self._require_unlocked()
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        """Forget one."""
        if (service, username) not in self.kept:
            raise PasswordDeleteError("not found")
        del self.kept[service, username]

    def _require_unlocked(self) -> None:
        if self.locked:
            raise RuntimeError("locked: hush-hush-5ecret")


@pytest.fixture
def memory() -> Iterator[MemoryKeyring]:
    before, found = keyring.get_keyring(), MemoryKeyring()
    found.priority = 5
    keyring.set_keyring(found)
    yield found
    keyring.set_keyring(before)


def test_a_secret_is_kept_given_back_and_forgotten(memory: MemoryKeyring) -> None:
    assert keychain.is_available()
    keychain.save(HOME, "work", "s3cret")
    assert keychain.secret_of(HOME, "work") == "s3cret"
    keychain.remove(HOME, "work")
    with pytest.raises(CredentialsError, match="no secret for account work") as caught:
        keychain.secret_of(HOME, "work")
    assert "mp auth login work" in str(caught.value.hint)


def test_accounts_of_two_state_folders_are_kept_apart(memory: MemoryKeyring) -> None:
    keychain.save(HOME, "work", "one")
    keychain.save(Home(Path("/other")), "work", "two")
    assert keychain.secret_of(HOME, "work") == "one"
    assert {service for service, _ in memory.kept} == {"mp-mcp"}


def test_a_keyring_that_refuses_is_an_error_without_its_text(memory: MemoryKeyring) -> None:
    memory.locked = True
    with pytest.raises(CredentialsError, match="RuntimeError") as caught:
        keychain.save(HOME, "work", "x")
    assert "hush" not in f"{caught.value.message} {caught.value.hint}"


def test_a_stand_in_for_a_missing_keyring_is_none(memory: MemoryKeyring) -> None:
    stand_in: Any = NoKeyring
    keyring.set_keyring(stand_in())
    assert not keychain.is_available()


def test_without_the_package_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    modules: dict[str, Any] = sys.modules
    monkeypatch.setitem(modules, "keyring", None)
    assert not keychain.is_available()
    with pytest.raises(CredentialsError, match="not installed") as caught:
        keychain.secret_of(HOME, "work")
    assert "mp-mcp[keyring]" in str(caught.value.hint)
