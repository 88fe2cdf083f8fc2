"""`mp demo` as somebody runs it who has nothing yet: no account, no state, another folder.

What it says is recorded in examples/demo_transcript.txt; UPDATE_SNAPSHOTS=1 rewrites that.
"""

import os
import re
import subprocess
from itertools import groupby
from pathlib import Path

import pytest

from tests.processes.agents import BIN, bare_environ
from tests.processes.process_list import processes_with

TRANSCRIPT = Path(__file__).parents[2] / "examples" / "demo_transcript.txt"
VARYING = (
    (r"127\.0\.0\.1:\d+", "127.0.0.1:40000"),
    # The path of this machine's Python, and what each version of DuckDB says after it.
    (r"Conflicting lock is held in .*", "Conflicting lock is held in python3 (PID 4711). ..."),
)
DURATION = re.compile(r" *\d+\.\d s\b")
RACER = re.compile(r" {5}(agent \d|you) ")


def recorded(told: str) -> str:
    """The output as it is kept: without what belongs to this machine."""
    for pattern, instead in VARYING:
        told = re.sub(pattern, instead, told)
    return told


def lasting(text: str) -> list[str]:
    """Its lines without durations; whoever ran at once with others is sorted, not timed."""
    lines = [DURATION.sub(" (time)", line) for line in text.splitlines()]
    blocks = groupby(lines, key=lambda line: RACER.match(line) is not None)
    return [line for is_race, block in blocks for line in (sorted(block) if is_race else block)]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("demo")
    found = {name: root / name for name in ("home", "elsewhere", "temporary")}
    for folder in found.values():
        folder.mkdir()
    return found


@pytest.fixture(scope="module")
def told(places: dict[str, Path]) -> "subprocess.CompletedProcess[str]":
    """The demo, run once with an empty HOME; PATH does not know our commands."""
    environ = bare_environ() | {
        "HOME": str(places["home"]),
        "TMPDIR": str(places["temporary"]),
        "PATH": "/usr/bin:/bin",
    }
    return subprocess.run(
        [BIN / "mp", "demo"],
        env=environ,
        cwd=places["elsewhere"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
    )


def test_the_demo_succeeds_and_says_nothing_on_stderr(
    told: "subprocess.CompletedProcess[str]",
) -> None:
    assert told.stderr == ""
    assert told.returncode == 0


def test_the_demo_says_what_is_recorded(told: "subprocess.CompletedProcess[str]") -> None:
    seen = recorded(told.stdout)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        TRANSCRIPT.write_text(seen, encoding="utf-8")
    assert lasting(seen) == lasting(TRANSCRIPT.read_text(encoding="utf-8")), (
        "UPDATE_SNAPSHOTS=1 pytest tests/processes/test_demo.py; make generate; and review"
    )


@pytest.mark.parametrize(
    "line",
    [
        r"agent 1 +inspect_bookmarks +first [\d,]+ rows +\d",
        r"agent 2 +fetch_events 2025-03-01 to 2025-03-14 +[\d,]+ events +\d",
        r"you +mp inspect bookmarks +2,561 rows +\d",
        r"agent 1 +query_sql SELECT count\(\*\) FROM events +[\d,]+ +\d",
        r"you +mp query sql 'SELECT count\(\*\) FROM events' +[\d,]+ +\d",
        r"[A-Z]{2} +[\d,]+$",
    ],
)
def test_the_story_tells_what_each_of_them_got(
    told: "subprocess.CompletedProcess[str]", line: str
) -> None:
    assert re.search(rf"^ *{line}", told.stdout, re.MULTILINE), told.stdout


def test_everybody_counted_the_events_that_were_fetched(
    told: "subprocess.CompletedProcess[str]",
) -> None:
    fetched = set(re.findall(r"([\d,]+) events", told.stdout))
    counted = set(re.findall(r"FROM events'? +([\d,]+) ", told.stdout))
    assert len(fetched) == 1
    assert counted == fetched


def test_the_story_ends_with_the_real_error_of_plain_duckdb(
    told: "subprocess.CompletedProcess[str]",
) -> None:
    before, _, after = told.stdout.partition("4. The same with plain DuckDB")
    assert "Could not set lock on file" in after
    assert "Conflicting lock is held in" in after
    assert "lock" not in before.lower()


def test_the_demo_leaves_no_process_and_no_folder_behind(
    told: "subprocess.CompletedProcess[str]", places: dict[str, Path]
) -> None:
    assert told.returncode == 0
    assert {name: list(folder.iterdir()) for name, folder in places.items()} == {
        "home": [],
        "elsewhere": [],
        "temporary": [],
    }
    assert processes_with(str(places["home"])) == []
