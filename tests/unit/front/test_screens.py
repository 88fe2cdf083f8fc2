"""Screens as reviewed text: `cat` one of tests/unit/front/screens to see it as people do.

UPDATE_SNAPSHOTS=1 rewrites them. `light` has the colours of the terminal's theme, `plain` none.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.errors import ErrorInfo
from mp_mcp.front import talk
from mp_mcp.front.cells import width_of
from mp_mcp.front.render import text_of
from mp_mcp.front.screen import Screen
from tests.unit.charts import results
from tests.unit.front import answers_of_people

FOLDER = Path(__file__).parent / "screens"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")

ANSWERS: dict[str, dict[str, Any]] = {
    "segmentation": results.SEGMENTATION,
    "breakdown": results.BREAKDOWN,
    "top-events": results.TOP_EVENTS,
    "funnel": results.FUNNEL,
    "segmented-funnel": results.SEGMENTED_FUNNEL,
    "retention": results.RETENTION,
    "frequency": results.FREQUENCY,
    "sql": answers_of_people.SQL,
    "sql-wide": answers_of_people.WIDE_SQL,
    "sql-one-row": answers_of_people.ONE_ROW,
    "tables": answers_of_people.TABLES,
    "fetch": answers_of_people.FETCH,
    "status": answers_of_people.STATUS,
}
ERROR = ErrorInfo(
    "table_missing",
    "There is no table evnets; did you mean events?",
    "`mp inspect tables` lists the tables; `mp fetch events` makes one.",
)


def compare(name: str, seen: str) -> None:
    """Compare with the stored screen, or store it."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8"), "run with UPDATE_SNAPSHOTS=1 and review"


@pytest.mark.parametrize("look", ["light", "plain"])
@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_screen_is_as_reviewed(
    name: str, width: int, look: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = text_of(ANSWERS[name], "table", Screen(width, None, look == "light"))
    told = capsys.readouterr().err
    bare = COLOUR.sub("", text)
    assert all(width_of(line) <= width for line in bare.split("\n"))
    assert all(line == line.rstrip() for line in bare.split("\n")) or look == "light"
    assert "\x1b" not in bare
    assert look == "light" or bare == text
    compare(f"{name}-{width}-{look}", text + told)


@pytest.mark.parametrize(
    ("days", "line"),
    [
        (("01-01", "01-02", "01-04"), "n  ▃▃▆▆  ██  least 1  most 3  last 3"),
        (("01-01", "01-02", "12-31"), "n  least 1  most 3  last 3"),
    ],
)
def test_a_missing_day_is_a_gap_or_there_is_no_line(days: tuple[str, ...], line: str) -> None:
    rows = [[f"2025-{day}", place] for place, day in enumerate(days, 1)]
    answer = {"columns": ["day", "n"], "types": ["DATE", "BIGINT"], "rows": rows}
    drawn = text_of(answer, "table", Screen(80, None, False)).splitlines()
    assert drawn[0] == line
    assert ("no line: times are missing" in drawn[2]) == ("▃" not in line)


@pytest.mark.parametrize("look", ["light", "plain"])
def test_an_error_is_as_reviewed(
    look: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "has_colour", lambda _: look == "light")
    talk.error(ERROR)
    compare(f"error-{look}", capsys.readouterr().err)


def test_no_screen_is_left_of_an_answer_that_is_gone() -> None:
    known = {f"{n}-{w}-{look}" for n in ANSWERS for w in (80, 140) for look in ("light", "plain")}
    known |= {"error-light", "error-plain"}
    if os.environ.get("UPDATE_SNAPSHOTS"):
        for path in FOLDER.iterdir():
            if path.stem not in known:
                path.unlink()
        return
    assert {path.stem for path in FOLDER.iterdir()} == known
