"""Fixtures for tests of single modules."""

from collections.abc import Iterator

import keyring
import pytest

from tests.unit.memory_keyring import MemoryKeyring


@pytest.fixture
def memory_keyring() -> Iterator[MemoryKeyring]:
    """The system's keyring, as long as the test runs."""
    before, found = keyring.get_keyring(), MemoryKeyring()
    found.priority = 5
    keyring.set_keyring(found)
    yield found
    keyring.set_keyring(before)
