"""`GET query/funnels` on the wire, and sums and ratios over its dates."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.cache import AnswerCache
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.funnels import STEP_COLUMNS, funnel, funnel_of
from mp_mcp.state import open_state

from .conftest import Script
from .shapes import days, names

FIRST, LAST = date(2025, 1, 1), date(2025, 1, 31)


def step(count: int | None, time: float | None = None, **more: Any) -> dict[str, Any]:
    return {
        "count": count,
        "event": "Signup",
        "avg_time": time,
        "avg_time_from_start": time,
        **more,
    }


def whole(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"steps": list(steps), "analysis": {"completion": 1, "worst": 1}}


def dated(*entries: dict[str, Any]) -> dict[str, Any]:
    """The entries on successive days."""
    found = {f"2025-01-{day:02}": entry for day, entry in enumerate(entries, start=1)}
    return {"meta": {"dates": list(found)}, "data": found, "computed_at": "2025-01-09T00:00:01"}


@pytest.mark.anyio
async def test_a_funnel_is_asked_by_id_and_range(script: Script) -> None:
    wire = script(httpx.Response(200, json=dated(whole(step(3)))))
    found = await funnel(Mixpanel(wire.http), 7001, FIRST, LAST)
    assert (found.columns, found.rows) == (
        list(STEP_COLUMNS),
        [[1, "Signup", 3, 1.0, 1.0, None, None]],
    )
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/funnels"
    assert wire.query == {
        "project_id": "42",
        "funnel_id": "7001",
        "from_date": "2025-01-01",
        "to_date": "2025-01-31",
        "unit": "day",
    }


@pytest.mark.anyio
async def test_a_breakdown_is_asked_as_an_expression(script: Script) -> None:
    wire = script(httpx.Response(200, json=dated({"$overall": [step(3)]})))
    asked = {"on": "plan", "unit": "week", "where": 'properties["a"] > 1'}
    found = await funnel(Mixpanel(wire.http), 7001, FIRST, LAST, **asked)  # type: ignore[arg-type]
    assert found.columns[0] == "segment"
    assert wire.query["on"] == 'properties["plan"]'
    assert (wire.query["unit"], wire.query["where"]) == ("week", 'properties["a"] > 1')


@pytest.mark.anyio
async def test_an_answer_holds_briefly_while_users_may_still_convert(script: Script) -> None:
    wire = script(httpx.Response(200, json=dated(whole(step(3)))))
    moments = [0.0]
    cache = AnswerCache(open_state(Path(":memory:")), clock=lambda: moments[-1])
    last = datetime.now(UTC).date() - timedelta(days=60)
    for moment in (1_000.0, 1_030.0, 1_070.0):
        moments.append(moment)
        await funnel(Mixpanel(wire.http, cache=cache), 7001, last, last)
    assert len(wire.requests) == 2


def test_counts_are_summed_and_ratios_fit_the_sums() -> None:
    answer = dated(
        whole(step(1000), step(420, step_conv_ratio=0.42), step(21)),
        whole(step(500), step(80), step(29)),
    )
    assert [row[2:5] for row in funnel_of(answer).rows] == [
        [1500, 1.0, 1.0],
        [500, 0.333333, 0.333333],
        [50, 0.1, 0.033333],
    ]


def test_times_are_means_over_users_and_null_where_there_are_none() -> None:
    answer = dated(
        whole(step(10), step(1, 100.0), step(0, 7.0)), whole(step(10), step(3, 20), step(5, None))
    )
    assert [row[5:] for row in funnel_of(answer).rows] == [
        [None, None],
        [40.0, 40.0],
        [None, None],
    ]


def test_numbers_may_be_texts_and_what_cannot_be_computed_is_null() -> None:
    answer = dated(whole(step(10), {**step(None), "count": "4", "avg_time": "61.5"}))
    assert funnel_of(answer).rows[1][2:6] == [4, 0.4, 0.4, 61.5]
    answer = dated(whole({**step(None), "count": "NaN"}, step(3, float("inf"))))
    assert [row[2:6] for row in funnel_of(answer).rows] == [[None] * 4, [3, None, None, None]]


def test_segments_named_like_dates_keep_their_names() -> None:
    answer = dated({"$overall": [step(3)], "2024-11-11 sale": [step(2)], "2024-11-11": [step(1)]})
    names = [row[0] for row in funnel_of(answer, segmented=True).rows]
    assert names == ["$overall", "2024-11-11 sale", "2024-11-11"]


@pytest.mark.anyio
async def test_an_empty_breakdown_is_no_breakdown(script: Script) -> None:
    wire = script(httpx.Response(200, json=dated(whole(step(3)))))
    found = await funnel(Mixpanel(wire.http), 7001, FIRST, LAST, on="")
    assert (found.columns[0], "on" in wire.query) == ("step", False)


def test_nobody_converts_to_no_ratio_instead_of_a_zero() -> None:
    rows = funnel_of(dated(whole(step(0), step(0)), whole(step(None), step(0)))).rows
    assert [row[2:5] for row in rows] == [[0, None, None], [0, None, None]]


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"event": "$custom_event:7", "goal": "g", "step_label": "Activated"}, "Activated"),
        ({"event": "Signup", "goal": "g"}, "Signup"),
        ({"event": None, "goal": "g"}, "g"),
        ({"event": None}, None),
    ],
)
def test_a_step_is_named_as_people_see_it(names: dict[str, Any], shown: str | None) -> None:
    assert funnel_of(dated(whole({"count": 1, **names}))).rows[0][:2] == [1, shown]


def test_segments_follow_the_whole_by_their_users_at_the_start() -> None:
    answer = dated(
        {"pro": [step(1), step(9)], "$overall": [step(10), step(12)], "team": [step(2)]},
        {"$overall": [step(1), step(0)], "free": [step(2), step(0)]},
    )
    found = funnel_of(answer, segmented=True)
    assert [row[:2] + row[3:4] for row in found.rows] == [
        ["$overall", 1, 11],
        ["$overall", 2, 12],
        ["free", 1, 2],
        ["free", 2, 0],
        ["team", 1, 2],
        ["pro", 1, 1],
        ["pro", 2, 9],
    ]


@pytest.mark.parametrize(("segments", "truncated"), [(254, False), (255, True)])
def test_segments_that_mixpanel_may_have_left_out_are_said(segments: int, truncated: bool) -> None:
    parts = {f"city {number}": [step(1)] for number in range(segments)}
    found = funnel_of(dated({"$overall": [step(999)], **parts}), segmented=True)
    assert found.truncated is truncated
    assert ("fewer values" in str(found.hint)) is truncated


def test_a_segment_that_is_called_like_the_envelope_is_a_segment() -> None:
    answer = dated({"$overall": [step(3)], "steps": [step(1)], "analysis": {"worst": 1}})
    assert [row[0] for row in funnel_of(answer, segmented=True).rows] == ["$overall", "steps"]


def test_segments_may_come_in_objects_of_their_own() -> None:
    answer = dated({"$overall": whole(step(3)), "pro": whole(step(1))})
    assert [row[0] for row in funnel_of(answer).rows] == ["$overall", "pro"]


def test_the_whole_alone_needs_no_column_of_segments() -> None:
    answer = dated({"$overall": [step(3)]}, whole(step(4)))
    assert funnel_of(answer).rows == [[1, "Signup", 7, 1.0, 1.0, None, None]]


def test_a_range_without_dates_has_no_steps() -> None:
    assert funnel_of({"meta": {"dates": []}, "data": {}}).rows == []


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"meta": {}},
        {"data": {"2025-01-01": [{"count": 1, "step": 1, "name": "A"}]}},
        {"data": {"2025-01-01": {"steps": {"count": 1}}}},
        {"data": {"2025-01-01": {"pro": 5}}},
        {"data": {"2025-01-01": {"pro": [5]}}},
    ],
)
def test_an_unknown_shape_is_an_error_not_a_guess(answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        funnel_of(answer, segmented=True)


seconds = st.none() | st.floats(0, 1e9) | st.integers(0, 10**9)
steps = st.lists(
    st.fixed_dictionaries(
        {"count": st.integers(0, 2**60) | st.integers(0, 2**60).map(str)},
        optional={
            "avg_time": seconds,
            "avg_time_from_start": seconds,
            "event": st.none() | st.text(),
            "step_label": st.none() | st.text(),
            "custom_event": st.booleans(),
            "convert_step_freq_buckets": st.lists(st.integers()),
        },
    ),
    max_size=4,
)
segments = st.dictionaries(names.filter(lambda name: name != "steps"), steps, max_size=3)
entries = st.one_of(
    steps.map(lambda found: {"steps": found, "analysis": {}}),
    st.tuples(segments, steps).map(lambda found: {**found[0], "$overall": found[1]}),
)


@given(st.dictionaries(days, entries, max_size=4), st.booleans())
def test_no_user_is_lost_whatever_the_shape(
    sent: dict[str, dict[str, Any]], segmented: bool
) -> None:
    found = funnel_of({"data": sent}, segmented=segmented)
    assert all(len(row) == len(found.columns) for row in found.rows)
    counts: dict[tuple[str, int], int] = {}
    for entry in sent.values():
        known = {"$overall": entry["steps"]} if "$overall" not in entry else entry
        for name, of_segment in known.items():
            for number, one in enumerate(of_segment, start=1):
                counts[name, number] = counts.get((name, number), 0) + int(one["count"])
    named = [row if found.columns[0] == "segment" else ["$overall", *row] for row in found.rows]
    assert {(row[0], row[1]): row[3] for row in named} == counts
    assert all(row[4] is None or row[4] >= 0 for row in named)
