"""Fixtures that every test may use. Never starts a server: tests/processes does."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """We support asyncio only."""
    return "asyncio"
