"""Secrets in the system's keyring: the real package, with a keyring that lives in this process."""

import sys
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from mp_mcp import keychain
from mp_mcp.errors import CredentialsError
from mp_mcp.settings import Home
from tests.unit.memory_keyring import MemoryKeyring

HOME = Home(Path("/state"))


def test_a_secret_is_kept_given_back_and_forgotten(memory_keyring: MemoryKeyring) -> None:
    assert keychain.is_available()
    keychain.save(HOME, "work", "s3cret")
    assert keychain.secret_of(HOME, "work") == "s3cret"
    keychain.remove(HOME, "work")
    with pytest.raises(CredentialsError, match="no secret for account work") as caught:
        keychain.secret_of(HOME, "work")
    assert "mp auth login work" in str(caught.value.hint)


def test_what_is_not_there_any_more_can_be_removed(memory_keyring: MemoryKeyring) -> None:
    keychain.remove(HOME, "work")
    assert memory_keyring.kept == {}


def test_accounts_of_two_state_folders_are_kept_apart(memory_keyring: MemoryKeyring) -> None:
    keychain.save(HOME, "work", "one")
    keychain.save(Home(Path("/other")), "work", "two")
    assert keychain.secret_of(HOME, "work") == "one"
    assert {service for service, _ in memory_keyring.kept} == {"mp-mcp"}


def test_a_keyring_that_refuses_is_an_error_without_its_text(memory_keyring: MemoryKeyring) -> None:
    memory_keyring.locked = True
    with pytest.raises(CredentialsError, match="RuntimeError") as caught:
        keychain.save(HOME, "work", "x")
    assert "hush" not in f"{caught.value.message} {caught.value.hint}"


def test_a_stand_in_for_a_missing_keyring_is_none(memory_keyring: MemoryKeyring) -> None:
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
