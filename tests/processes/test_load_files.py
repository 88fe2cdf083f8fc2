"""`mp load`: files of the user, whole, broken or empty, come in exactly or not at all."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mp_mcp.settings import Home
from tests.processes.agents import mp

COUNT = "SELECT count(*) FROM events"


def lines(first: int, last: int) -> list[str]:
    return [
        json.dumps(
            {
                "event": "Signup",
                "properties": {"time": 1735732800 + n, "distinct_id": "u", "$insert_id": f"i{n}"},
            }
        )
        for n in range(first, last)
    ]


def packed(first: int, last: int) -> bytes:
    return gzip.compress("\n".join(lines(first, last)).encode() + b"\n")


def truncated(whole: bytes) -> bytes:
    return whole[: len(whole) // 2]


def garbled(whole: bytes) -> bytes:
    middle = len(whole) // 2
    spoilt = bytes(byte ^ 0x5A for byte in whole[middle : middle + 32])
    return whole[:middle] + spoilt + whole[middle + 32 :]


def test_export_files_of_the_user_are_loaded_once_and_stay_as_they_are(
    offline: dict[str, str], tmp_path: Path
) -> None:
    plain, zipped = tmp_path / "a.ndjson", tmp_path / "b.ndjson.gz"
    plain.write_text("\n".join(lines(0, 30)) + "\n", encoding="utf-8")
    original = packed(20, 50)
    zipped.write_bytes(original)
    assert mp(offline, "load", str(plain), str(zipped)).json["rows"] == 50
    assert mp(offline, "load", str(plain)).json["rows"] == 0
    assert mp(offline, "query", "sql", COUNT).rows == [[50]]
    assert plain.read_text(encoding="utf-8").splitlines() == lines(0, 30)
    assert zipped.read_bytes() == original


@pytest.mark.parametrize("spoil", [truncated, garbled])
def test_a_broken_gz_file_is_refused_with_everything_that_came_with_it(
    offline: dict[str, str], home: Home, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    whole, broken = tmp_path / "whole.ndjson.gz", tmp_path / "broken.ndjson.gz"
    whole.write_bytes(packed(0, 20))
    assert mp(offline, "load", str(whole)).json["rows"] == 20
    whole.write_bytes(packed(20, 40))
    broken.write_bytes(spoil(packed(40, 2000)))
    refused = mp(offline, "load", str(whole), str(broken))
    assert refused.code == 3, refused
    assert refused.stdout == ""
    error, hint = refused.stderr.strip().splitlines()[-2:]
    assert error.startswith("error: ")
    assert "damaged" in error
    assert str(tmp_path) in error, "it names the user's files, not our copies"
    assert hint.startswith("hint: ")
    assert mp(offline, "query", "sql", COUNT).rows == [[20]]
    assert list(home.path.glob("spool/**/load-*")) == []


def test_lines_that_are_no_events_are_kept_aside_and_the_rest_is_loaded(
    offline: dict[str, str], tmp_path: Path
) -> None:
    wrong = ['{"event":"Login","prop', "no json at all", "[1]"]
    file = tmp_path / "mixed.ndjson"
    text = "\n".join([*lines(0, 5), *wrong, *lines(5, 9)]) + "\n"
    file.write_text(text, encoding="utf-8")
    found = mp(offline, "load", str(file)).json
    assert (found["rows"], found["malformed"]) == (9, 3)
    rejected = Path(found["reject_file"]).read_text(encoding="utf-8")
    assert all(json.dumps(line)[1:-1] in rejected or line in rejected for line in wrong), rejected
    assert mp(offline, "query", "sql", COUNT).rows == [[9]]
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.ndjson", b""), ("a.ndjson.gz", b""), ("a.ndjson.gz", gzip.compress(b"", mtime=0))],
)
def test_an_empty_file_adds_nothing_and_is_no_error(
    offline: dict[str, str], tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    found = mp(offline, "load", str(tmp_path / name)).json
    assert (found["rows"], found["malformed"]) == (0, 0)
    assert mp(offline, "query", "sql", COUNT).rows == [[0]]
