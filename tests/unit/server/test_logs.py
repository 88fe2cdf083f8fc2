"""The server's log: it is complete, and its files stay small."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from mp_mcp.server import logs
from mp_mcp.settings import Home

LINE = "x" * 1000


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """The root logger writes into this home's log, and is as before afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    monkeypatch.delenv("MP_LOG", raising=False)
    root.handlers[:] = []
    found = Home(tmp_path)
    found.server_log.parent.mkdir(parents=True, exist_ok=True)
    logs.to_file(found)
    yield found
    for handler in root.handlers:
        handler.close()
    root.handlers[:], root.level, logging.raiseExceptions = before


def files(home: Home) -> list[Path]:
    return sorted(home.server_log.parent.glob(f"{home.server_log.name}*"))


def test_a_full_log_begins_anew_and_loses_no_line(home: Home) -> None:
    lines = logs.MOST_BYTES * 2 // len(LINE)
    for number in range(lines):
        logging.getLogger("mp_mcp.test").info("%d %s", number, LINE)
    numbers = sorted(
        int(line.split(": ")[1].split()[0])
        for file in files(home)
        for line in file.read_text().splitlines()
    )
    assert numbers == list(range(lines))
    assert len(files(home)) > 2


def test_no_file_of_the_log_is_much_larger_than_it_may_be(home: Home) -> None:
    for _ in range(logs.MOST_BYTES * 2 // len(LINE)):
        logging.getLogger("mp_mcp.test").info(LINE)
    most = logs.MOST_BYTES + logs.LOOK_EVERY * (len(LINE) + 100)
    assert max(file.stat().st_size for file in files(home)) <= most


def test_where_no_older_file_can_be_kept_the_log_stays_small_all_the_same(home: Home) -> None:
    for number in (1, 2, 3):
        (home.server_log.parent / f"{home.server_log.name}.{number}" / "in the way").mkdir(
            parents=True
        )
    for number in range(logs.MOST_BYTES * 3 // len(LINE)):
        logging.getLogger("mp_mcp.test").info("%d %s", number, LINE)
    assert home.server_log.stat().st_size <= logs.MOST_BYTES + logs.LOOK_EVERY * (len(LINE) + 100)
    last = home.server_log.read_text().splitlines()[-1]
    assert f": {number} " in last


def test_a_log_that_was_full_when_the_server_began_is_not_written_on(
    home: Home, tmp_path: Path
) -> None:
    full = tmp_path / "full.log"
    full.write_bytes(b"y" * logs.MOST_BYTES)
    handler = logs.Rotating(full, maxBytes=logs.MOST_BYTES, backupCount=1)
    handler.emit(logging.makeLogRecord({"msg": "first"}))
    handler.close()
    assert full.read_text() == "first\n"
