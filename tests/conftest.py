"""Fixtures that every test may use. Never starts a server: tests/processes does."""

import os

import pytest

# A person's own keyring is no place for the secrets of tests, here and in every process they start.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"


@pytest.fixture
def anyio_backend() -> str:
    """We support asyncio only."""
    return "asyncio"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of processes take long: begun last, they would keep one worker busy alone.

    Their order is otherwise the random one.
    """
    items.sort(key=lambda item: "unit" in item.path.parts)
