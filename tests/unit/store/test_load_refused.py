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
    "raw", [b"PAR1\x00\xff\nPAR1\n", b"a,b\n1,2\n", b'{"a": 1}\n', b"[" + GOOD + b"]"]
)
def test_files_without_any_event_are_refused_and_make_no_table(loader: Loader, raw: bytes) -> None:
    with pytest.raises(UsageError, match="is a Mixpanel event") as caught:
        loader.load([raw])
    assert loader.values("SELECT table_name FROM duckdb_tables() WHERE temporary") == []
    assert not loader.rejects.exists()
    assert "jq -c '.[]'" in str(caught.value.hint)
