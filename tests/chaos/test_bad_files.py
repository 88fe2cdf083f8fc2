"""A database file that cannot be used: a clear error with the way out, and nothing is changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mp_mcp.settings import Home
from tests.processes.agents import Finished, mp

COUNT = "SELECT count(*) FROM events"
HEADER = 4096
VERSION_AT = 12
"""Where a DuckDB file says which version of the format it has; before it stands a checksum."""


def line(number: int) -> str:
    properties = {"time": 1735732800 + number, "distinct_id": "u-1", "$insert_id": str(number)}
    return json.dumps({"event": "Login", "properties": properties}) + "\n"


def loaded(offline: dict[str, str], home: Home, rows: int) -> Path:
    """A file with so many events; nobody has it open."""
    export = home.path.parent / f"{home.path.name}.ndjson"
    export.write_text("".join(map(line, range(rows))), encoding="utf-8")
    assert mp(offline, "load", str(export)).json["rows"] == rows
    export.unlink()
    assert mp(offline, "server", "stop").code == 0
    (path,) = home.path.glob("data/*.db")
    return path


def patched(path: Path, place: int, content: bytes) -> bytes:
    """Write over a part of the file; what it is then."""
    whole = bytearray(path.read_bytes())
    whole[place : place + len(content)] = content
    path.write_bytes(whole)
    return bytes(whole)


def checksum(header: bytes) -> int:
    """What DuckDB writes in front of a header of whole words."""
    found = 5381
    for place in range(0, len(header), 8):
        word = int.from_bytes(header[place : place + 8], "little")
        found ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return found


def of_the_future(path: Path) -> None:
    """Make it a file of a DuckDB that is yet to come."""
    header = path.read_bytes()[8:HEADER]
    assert checksum(header) == int.from_bytes(path.read_bytes()[:8], "little")
    header = header[: VERSION_AT - 8] + (999).to_bytes(8, "little") + header[VERSION_AT:]
    patched(path, 0, checksum(header).to_bytes(8, "little") + header)


def refused(found: Finished) -> None:
    """An error of its own, with the remedy, and no traceback (`Finished` looks for that)."""
    assert found.code == 1, found
    assert "ove " in found.stderr and ".wal" in found.stderr, found


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: patched(path, 0, b"this is no database"),
        of_the_future,
        lambda path: patched(path, 4096, b"\xff" * 8192),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
    ],
    ids=["no database", "of a newer DuckDB", "damaged headers", "cut off"],
)
def test_a_file_that_duckdb_refuses_is_named_with_the_way_out_and_left_alone(
    offline: dict[str, str], home: Home, damage: Callable[[Path], object]
) -> None:
    path = loaded(offline, home, 50)
    good = path.read_bytes()
    damage(path)
    bad = path.read_bytes()
    refused(mp(offline, "query", "sql", COUNT))
    refused(mp(offline, "query", "sql", COUNT))
    assert mp(offline, "inspect", "workspace").code == 0, "the server goes on"
    assert path.read_bytes() == bad
    path.write_bytes(good)
    assert mp(offline, "query", "sql", COUNT).rows == [[50]], "a copy put back is enough"


def test_the_write_ahead_log_of_another_file_is_refused_and_nothing_committed_is_lost(
    offline: dict[str, str], home: Home
) -> None:
    path = loaded(offline, home, 50)
    wal = path.with_name(path.name + ".wal")
    assert not wal.exists(), "a server that leaves writes everything into the file"
    wal.write_bytes(b"\x00\x01garbage of another program" * 40)
    found = mp(offline, "query", "sql", COUNT)
    if found.code != 0:
        refused(found)
        wal.rename(wal.with_suffix(".away"))
        found = mp(offline, "query", "sql", COUNT)
    assert found.rows == [[50]]
