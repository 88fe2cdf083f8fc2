"""A state folder with a short path, because socket paths have to be short."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mp_mcp.settings import Home


@pytest.fixture
def home() -> Iterator[Home]:
    """An empty state folder."""
    path = Path(tempfile.mkdtemp(prefix="mp-", dir="/tmp"))
    found = Home(path)
    found.create()
    yield found
    shutil.rmtree(path)
