"""The lists of saved funnels and cohorts on the wire, and their shapes."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.cohorts import cohorts, cohorts_of
from mp_mcp.mixpanel.funnel_list import funnel_list, funnel_list_of

from .conftest import Script
from .shapes import texts, values

COHORT = {
    "id": 501,
    "name": "Power users",
    "count": 148,
    "description": "",
    "created": "2024-05-06 11:22:33",
    "is_visible": 1,
    "project_id": 42,
    "data_group_id": None,
}
ids = st.integers(1, 2**53) | st.integers(1, 2**53).map(str)
saved_funnels = st.fixed_dictionaries({"funnel_id": ids}, optional={"name": texts, "steps": values})
saved_cohorts = st.fixed_dictionaries(
    {"id": ids},
    optional={
        "name": texts,
        "count": st.none() | st.integers(0),
        "description": texts,
        "created": texts,
        "is_visible": st.sampled_from([0, 1, True, False, None]),
        "project_id": st.integers(),
        "data_group_id": st.none() | st.integers(-(2**63), 2**63) | st.text(),
    },
)


@pytest.mark.anyio
async def test_saved_funnels_are_listed_by_name(script: Script) -> None:
    answer = [
        {"funnel_id": 7002, "name": "signup funnel", "more": 1},
        {"funnel_id": 7001, "name": "Checkout"},
    ]
    wire = script(httpx.Response(200, json=answer))
    found = await funnel_list(Mixpanel(wire.http))
    assert found.columns == ["funnel_id", "name"]
    assert found.rows == [[7001, "Checkout"], [7002, "signup funnel"]]
    assert wire.requests[0].method == "GET"
    assert wire.requests[0].url.path == "/api/query/funnels/list"
    assert wire.query == {"project_id": "42"}


@pytest.mark.anyio
async def test_cohorts_are_posted_for_and_listed_by_name(script: Script) -> None:
    group = {**COHORT, "id": 7, "name": "all", "is_visible": 0, "data_group_id": -(2**62) - 1}
    wire = script(httpx.Response(200, json=[COHORT, group]))
    found = await cohorts(Mixpanel(wire.http))
    names = ["id", "name", "count", "description", "created", "is_visible", "data_group_id"]
    assert found.columns == names
    created = "2024-05-06 11:22:33"
    assert found.rows == [
        [7, "all", 148, "", created, False, "-4611686018427387905"],
        [501, "Power users", 148, "", created, True, None],
    ]
    assert (wire.requests[0].method, wire.requests[0].content) == ("POST", b"")
    assert wire.requests[0].url.path == "/api/query/cohorts/list"
    assert wire.query == {"project_id": "42"}


def test_ids_may_be_texts() -> None:
    assert funnel_list_of([{"funnel_id": "7001", "name": "A"}]).rows == [[7001, "A"]]
    found = cohorts_of([{**COHORT, "id": "501", "count": "148", "data_group_id": "-1"}])
    assert [found.rows[0][place] for place in (0, 2, 6)] == [501, 148, "-1"]


@given(st.lists(saved_funnels, max_size=5))
def test_every_saved_funnel_is_listed(answer: list[Any]) -> None:
    rows = funnel_list_of(answer).rows
    sent = sorted((int(each["funnel_id"]), str(each.get("name"))) for each in answer)
    assert sorted((number, str(name)) for number, name in rows) == sent
    names = [(name or "").casefold() for _, name in rows]
    assert names == sorted(names)


@given(st.lists(saved_cohorts, max_size=5))
def test_every_cohort_is_listed(answer: list[Any]) -> None:
    found = cohorts_of(answer)
    assert sorted(row[0] for row in found.rows) == sorted(int(each["id"]) for each in answer)
    assert all(len(row) == len(found.columns) for row in found.rows)
    assert sum(row[2] or 0 for row in found.rows) == sum(c.get("count") or 0 for c in answer)
    names = [(row[1] or "").casefold() for row in found.rows]
    assert names == sorted(names)


@pytest.mark.parametrize("read", [funnel_list_of, cohorts_of])
@pytest.mark.parametrize("answer", [None, 5, "text", [1], [{"name": "x"}], {"results": [1]}])
def test_an_unknown_shape_is_an_error_not_a_guess(read: Any, answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        read(answer)
