import os
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.errors import DatabaseLockedError, UsageError
from mp_mcp.store.models import LoadReport
from mp_mcp.tools.storage.load_files import Loaded, load_files
from tests.unit.tools.fakes import FakeWriter, HeardProgress

pytestmark = pytest.mark.anyio


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def export(tmp_path: Path, name: str = "day.ndjson") -> Path:
    """A file that the user has."""
    path = tmp_path / name
    path.write_text('{"event": "Signup"}\n', encoding="utf-8")
    return path


async def load(store: FakeWriter, *files: Path | str, table: str = "events") -> Loaded:
    names = tuple(str(file) for file in files)
    return await load_files(store, HeardProgress(), names, table=table)


async def test_files_are_loaded_in_one_go_and_stay_as_they_are(tmp_path: Path, spool: Path) -> None:
    files = [export(tmp_path, "a.ndjson"), export(tmp_path, "b.jsonl.gz")]
    before = [(file.read_bytes(), file.stat().st_mtime_ns) for file in files]
    store = FakeWriter(spool, on_load=lambda **_: LoadReport(rows=2, duplicates=1))
    found = await load(store, *files, table="mine")
    assert (found.table, found.rows, found.duplicates) == ("mine", 2, 1)
    (loaded,) = store.loads
    assert (loaded["days"], loaded["table"]) == (None, "mine")
    assert [(file.read_bytes(), file.stat().st_mtime_ns) for file in files] == before


async def test_the_database_sees_the_files_in_its_spool_only(tmp_path: Path, spool: Path) -> None:
    file = export(tmp_path)
    store = FakeWriter(spool)
    await load(store, file)
    (borrowed,) = store.loads[0]["files"]
    assert borrowed.parent == spool
    assert borrowed.samefile(file)


@pytest.mark.parametrize("name", ["a*[x]?.ndjson", "it's.json", "é" * 100 + ".jsonl", "'; --.txt"])
async def test_a_strange_name_does_not_reach_the_database(
    name: str, tmp_path: Path, spool: Path
) -> None:
    store = FakeWriter(spool)
    await load(store, export(tmp_path, name), export(tmp_path, name + ".gz"))
    names = [path.name for path in store.loads[0]["files"]]
    assert names == ["0.ndjson", "1.ndjson.gz"]


async def test_a_file_on_another_device_is_copied(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    file = export(tmp_path)
    store = FakeWriter(spool)
    await load(store, file)
    (borrowed,) = store.loads[0]["files"]
    assert not borrowed.samefile(file)
    assert borrowed.read_bytes() == file.read_bytes()


async def test_a_file_without_a_known_ending_is_refused(tmp_path: Path, spool: Path) -> None:
    for name in ("a.csv", "a.gz", "a", "ndjson", "a.NDJSON"):
        store = FakeWriter(spool)
        with pytest.raises(UsageError, match="no ending") as caught:
            await load(store, export(tmp_path, name))
        assert ".ndjson" in str(caught.value.hint)
        assert store.events == []


async def test_what_is_no_file_is_refused_before_anything_is_loaded(
    tmp_path: Path, spool: Path
) -> None:
    (tmp_path / "folder.json").mkdir()
    for missing in (tmp_path / "none.json", tmp_path / "folder.json"):
        store = FakeWriter(spool)
        with pytest.raises(UsageError, match="There is no file"):
            await load(store, export(tmp_path), missing)
        assert store.events == []


async def test_write_access_comes_before_the_files(tmp_path: Path, spool: Path) -> None:
    store = FakeWriter(spool, refusal=DatabaseLockedError("A notebook has it."))
    with pytest.raises(DatabaseLockedError):
        await load(store, export(tmp_path))
    assert store.events == ["ready"]
