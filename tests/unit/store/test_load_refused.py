"""Files of a person that hold no events: refused, with nothing left behind."""

from collections.abc import Iterator

import pytest

from mp_mcp.errors import UsageError
from tests.unit.store.loading import Loader, fresh_loader, line

GOOD = line(n=1).encode()


@pytest.fixture
def loader() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


@pytest.mark.parametrize(
    "raw",
    [
        b"[" + GOOD + b"," + GOOD + b"]",
        b"[\n" + GOOD + b",\n" + GOOD + b"\n]\n",
        b"\n\n  [" + GOOD + b"]\n",
    ],
)
def test_an_array_of_events_is_refused_and_the_way_out_is_named(loader: Loader, raw: bytes) -> None:
    with pytest.raises(UsageError, match="JSON array") as caught:
        loader.stage([loader.raw_file(raw)])
    assert "jq" in str(caught.value.hint)
    assert list(loader.folder.glob("*.clean.json")) == []


@pytest.mark.parametrize("raw", [b"PAR1\x00\xff\nPAR1\n", b"a,b\n1,2\n", b'{"a": 1}\n'])
def test_files_without_any_event_are_refused_and_make_no_table(loader: Loader, raw: bytes) -> None:
    with pytest.raises(UsageError, match="is a Mixpanel event"):
        loader.load([raw])
    assert loader.values("SELECT table_name FROM duckdb_tables() WHERE temporary") == []
    assert not loader.rejects.exists()
