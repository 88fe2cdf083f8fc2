"""Charts as files: small, whole and from zero.

What is on a picture is asked of matplotlib's own axes, not of pixels.
"""

import math
import sys
import warnings
from io import BytesIO
from itertools import pairwise
from typing import Any, Literal
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from mp_mcp.charts import panels
from mp_mcp.charts.picture import BOXES, picture, title_of
from mp_mcp.charts.shape import Bars, Series, Shape, shape_of
from mp_mcp.errors import UsageError
from tests.unit.charts import results

NAMES = ("SEGMENTATION", "BREAKDOWN", "TOP_EVENTS", "SEGMENTED_FUNNEL", "RETENTION", "FREQUENCY")


def shape(name: str) -> Shape:
    """The chart of one of the sample answers."""
    found = shape_of(getattr(results, name))
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_small_enough_for_a_chat(name: str) -> None:
    drawn = picture(shape(name), "What was asked").file
    image = Image.open(BytesIO(drawn))
    assert image.format == "PNG"
    assert len(drawn) < 60_000
    assert 800 <= image.width <= 1000
    assert image.height <= 1400


def test_a_wild_series_is_small_too() -> None:
    times = [f"2025-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    lines: list[tuple[str, list[float | None]]] = [
        (f"line {n}", [float((n + 3) * place**2 % 997) for place in range(len(times))])
        for n in range(20)
    ]
    assert len(picture(Series(times, lines), "All").file) < 100_000


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_and_axes_begin_at_zero(name: str) -> None:
    with mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # letters that no font has
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        panels.draw(shape(name), axes)
        figure.canvas.draw()
        seen = figure.get_tightbbox()
    assert seen is not None
    assert seen.x0 >= -0.01
    assert seen.x1 <= 8.01
    assert seen.y0 >= -0.01
    assert seen.y1 <= 4.51
    if name in ("SEGMENTATION", "BREAKDOWN"):
        assert axes.get_ylim()[0] == 0
    elif name in ("TOP_EVENTS", "SEGMENTED_FUNNEL"):
        assert axes.get_xlim()[0] == 0
    else:
        assert axes.images[0].get_clim() == (0, 1)


def axes_of(columns: list[str], rows: list[list[object]]) -> Any:
    """The axes of an answer of SQL."""
    found = shape_of({"columns": columns, "types": [], "rows": rows})
    assert found is not None
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    panels.draw(found, axes)
    figure.canvas.draw()
    return axes


def strokes(axes: Any) -> list[list[float]]:
    """The places that one stroke of the first line joins."""
    found: list[list[float]] = [[]]
    for place, value in axes.lines[0].get_xydata():
        if math.isnan(value):
            found.append([])
        else:
            found[-1].append(place)
    return found


def test_a_missing_day_is_a_break_of_the_line() -> None:
    axes = axes_of(["day", "n"], [[f"2025-01-{day:02}", day] for day in (1, 2, 3, 5, 6)])
    assert strokes(axes) == [[0, 1, 2], [4, 5]]
    assert [label.get_text() for label in axes.get_xticklabels()][4] == "Jan 5"


def test_a_year_between_two_days_is_a_year_wide() -> None:
    days = ["2025-01-01", "2025-01-02", "2025-01-03", "2026-01-01", "2026-01-02"]
    axes = axes_of(["day", "n"], [[day, place] for place, day in enumerate(days)])
    assert strokes(axes) == [[0, 1, 2], [365, 366]]
    assert [label.get_text() for label in axes.get_xticklabels()][:2] == [
        "2025-01-01",
        "2025-03-16",
    ]


def test_a_value_alone_has_a_mark_in_a_long_line_too() -> None:
    days = [f"2025-{month:02}-{day:02}" for month in (1, 3) for day in range(1, 29)]
    rows: list[list[object]] = [[day, place % 5] for place, day in enumerate(days)]
    line = axes_of(["day", "n"], [*rows, ["2025-05-01", 3]]).lines[0]
    alone = line.get_xydata()[line.get_markevery()]
    assert alone.tolist() == [[120, 3]]


def test_uneven_times_are_drawn_to_scale() -> None:
    times = ["2025-01-01 00:00:00", "2025-01-01 01:00:00", "2025-01-01 03:30:00"]
    axes = axes_of(["time", "n"], [[time, place] for place, time in enumerate(times)])
    assert strokes(axes) == [[0, 1, 3.5]]
    assert [label.get_text() for label in axes.get_xticklabels()][-1] == "01-01 03:30"


@pytest.mark.parametrize("most", [1, 7, 18, 1_500_000, 1_500_000_000, 280_000_000_000])
def test_the_labels_of_counts_are_whole_and_apart(most: int) -> None:
    axes = axes_of(["name", "n"], [["a", most], ["b", 1]])
    assert all(tick == round(tick) for tick in axes.get_xticks())
    labels = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(labels))


@pytest.mark.parametrize("step", ["hour", "day", "month"])
def test_the_labels_of_times_do_not_touch_beside_a_legend(step: str) -> None:
    times = {
        "hour": [f"2025-01-01 {hour:02}:00:00" for hour in range(24)],
        "day": [f"202{5 + n // 28}-02-{n % 28 + 1:02}" for n in range(56)],
        "month": [f"2025-{month:02}-01" for month in range(1, 13)],
    }[step]
    names = ["a name that is long " * 3, "another name that is long"]
    axes = axes_of(["time", *names], [[time, 1, 2] for time in times])
    labels = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert len(labels) > 3
    assert all(left.x1 < right.x0 for left, right in pairwise(labels))


def test_fractions_keep_their_places_on_the_axis() -> None:
    axes = axes_of(["name", "n"], [["a", 0.5], ["b", 0.25]])
    assert "0.1" in [label.get_text() for label in axes.get_xticklabels()]


def test_negative_values_keep_zero_on_the_axis() -> None:
    axes = Figure().add_subplot()
    panels.draw(Series(["2025-01-01", "2025-01-02"], [("n", [-5.0, -2.0])]), axes)
    low, high = axes.get_ylim()
    assert low < -5
    assert high == 0


def test_an_svg_is_xml_and_the_same_every_time() -> None:
    first = picture(shape("FUNNEL"), "Funnel: <7001> & $more$", "svg").file
    assert ElementTree.fromstring(first).tag.endswith("svg")
    assert first == picture(shape("FUNNEL"), "Funnel: <7001> & $more$", "svg").file


@pytest.mark.parametrize("text", ["$x^", "\\frac{", "a\nb\x1b[2J", "x" * 500, ""])
def test_names_from_mixpanel_are_drawn_as_they_are(text: str) -> None:
    days = ["2025-01-01", "2025-01-02"]
    assert picture(Series(days, [(text, [1, 2]), ("b", [2, 3])]), text).file


def test_the_title_says_what_was_asked() -> None:
    asked = {"event": "Purchase", "on": "$city", "from_date": "2025-01-01"}
    assert title_of("query_segmentation", asked) == "Segmentation: Purchase, $city"
    assert title_of("query_event_counts", {"events": ["A", "B"]}) == "Event counts: A, B"
    assert title_of("query_frequency", {}) == "Frequency"
    assert title_of("query_sql", {"sql": "SELECT day,\n  1"}) == "SQL: SELECT day, 1"


@pytest.mark.parametrize("form", ["png", "svg"])
def test_letters_that_no_font_has_are_told(form: Literal["png", "svg"]) -> None:
    linear_a = Bars("n", ["\U00010600", "b"], [1, 2])
    assert picture(linear_a, "Names", form).hint == BOXES
    assert picture(Bars("n", ["Łódź", "b"], [1, 2]), "Names", form).hint is None


def test_without_the_library_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match="not installed") as caught:
        picture(shape("FUNNEL"), "Funnel")
    assert "pip install 'mp-mcp[charts]'" in str(caught.value.hint)
