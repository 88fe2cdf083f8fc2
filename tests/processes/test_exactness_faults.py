"""However exports break, the table equals the truth afterwards, and nothing is there twice."""

import json
import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.demo.events import Event, line_of
from mp_mcp.demo.faults import Fault, broken_lines
from mp_mcp.demo.running import Running
from mp_mcp.demo.story import Story
from tests.processes.agents import mp
from tests.processes.conftest import LAST_DAY
from tests.processes.exactness import EXPORT, SEEDS, Days, Exactness

STORY = Story(days=10, events_per_day=400, last_day=date.fromisoformat(LAST_DAY))
RARE = "Suporte: Olá 👋"
"""So rare that most of its days are sent without compression."""

REPEATED = ("cut", "broken_gzip", "terminated_early", "error_json_line")
"""After these the same window is asked for again."""

KINDS = (*REPEATED, "cut", "split_line", "malformed_line", "duplicate_rows")


@pytest.fixture
def exactness(mixpanel: Running) -> Iterator[Exactness]:
    found = Exactness(mixpanel, STORY)
    found.forget()
    yield found
    mixpanel.clear_faults()


def order_faults(exactness: Exactness, kinds: tuple[str, ...], pick: random.Random) -> None:
    """The export of each day breaks in another way: every day is a window, as there are workers."""
    days = [day for day in sorted(exactness.all.each()) if day != STORY.empty_day]
    for day, kind in zip(days, pick.sample(kinds, len(kinds)), strict=False):
        rows = list(exactness.history.exported(day, late=False))
        details: dict[str, Any] = {"after": pick.randrange(len(rows))}
        if kind in ("cut", "broken_gzip"):
            details = {"after": pick.choice((0, 1, pick.randrange(2, 600), pick.randrange(40_000)))}
        elif kind == "split_line":
            count = pick.randrange(2, 6)
            whole = [at for at, row in enumerate(rows) if is_whole_when_split(row, count)]
            details = {"after": pick.choice(whole), "count": count}
        elif kind == "duplicate_rows":
            # A row without an id that is sent twice is two events.
            details["after"] = pick.choice(
                [at for at in range(len(rows) - 3) if all(map(has_id, rows[at : at + 3]))]
            )
        print(f"{day}: {kind} {details}")  # noqa: T201 - shown when the test fails
        query = {"from_date": str(day), "to_date": str(day)}
        exactness.mixpanel.fault(EXPORT, kind, query=query, **details)


def is_whole_when_split(row: Event, count: int) -> bool:
    """Whether the line feeds are no part of a text, where they would be taken for its own."""
    line = line_of(row)
    (split,) = broken_lines(Fault(EXPORT, "split_line", after=0, count=count), [line])
    try:
        return bool(json.loads(split, strict=False) == json.loads(line))
    except ValueError:
        return True


def has_id(row: Event) -> bool:
    """Whether its double is found."""
    return "$insert_id" in row.properties


def met(exactness: Exactness) -> list[str]:
    """The faults that exports met."""
    return [entry["fault"] for entry in exactness.mixpanel.requests(EXPORT) if "fault" in entry]


@pytest.mark.parametrize("seed", SEEDS)
def test_exports_that_break_at_random_places_lose_and_double_nothing(
    environ: dict[str, str], exactness: Exactness, seed: int
) -> None:
    order_faults(exactness, KINDS, random.Random(seed))
    found = mp(environ, "fetch", "events", *exactness.all.words, "--workers", "8").json
    faults = met(exactness)
    assert sorted(faults) == sorted(KINDS)
    exactness.check(environ, exactness.all)
    repeated = len(exactness.exported_days()) - STORY.days
    # A gzip stream may be garbled after its end.
    assert repeated in (len(REPEATED) + 1, len(REPEATED))
    assert found["malformed"] == 1
    (rejected,) = found["reject_files"]
    assert Path(rejected).read_text(encoding="utf-8").count("\n") == 1


def test_exports_without_compression_that_are_cut_lose_and_double_nothing(
    environ: dict[str, str], exactness: Exactness
) -> None:
    days = exactness.days(0, 9, RARE)
    pick = random.Random(1)
    for number in (0, 1, 2, 4, 5, 6):
        day = exactness.days(number, number)
        query = {"from_date": str(day.first), "to_date": str(day.last)}
        exactness.mixpanel.fault(EXPORT, "cut", query=query, after=pick.randrange(1400))
    mp(environ, "fetch", "events", *days.words, "--workers", "8")
    cut = [entry for entry in exactness.mixpanel.requests(EXPORT) if entry.get("fault")]
    assert len(cut) == 6
    assert any(0 < entry["bytes"] < 1400 for entry in cut)
    exactness.check(environ, days)


def test_an_export_that_always_breaks_fails_the_fetch_and_what_is_loaded_stays(
    environ: dict[str, str], exactness: Exactness
) -> None:
    bad = exactness.days(5, 5)
    query = {"from_date": str(bad.first)}
    exactness.mixpanel.fault(EXPORT, "terminated_early", query=query, times=None)
    failed = mp(environ, "fetch", "events", *exactness.all.words, "--workers", "8")
    assert failed.code != 0
    assert "the same fetch gets the rest" in failed.stderr
    exactness.mixpanel.clear_faults()
    held = [date.fromisoformat(day) for (day,) in _days(environ)]
    assert bad.first not in held
    exactness.check(environ, *(Days(day, day) for day in held))
    exactness.forget()
    mp(environ, "fetch", "events", *exactness.all.words)
    assert not set(held) & set(exactness.exported_days())
    exactness.check(environ, exactness.all)


def _days(environ: dict[str, str]) -> list[list[Any]]:
    return mp(environ, "query", "sql", "SELECT DISTINCT day::VARCHAR FROM events").rows
