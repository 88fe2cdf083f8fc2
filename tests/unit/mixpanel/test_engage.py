"""`POST query/engage` on the wire: every page once, and nothing lost."""

import json
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import MixpanelError, MixpanelUnavailableError, UsageError
from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.mixpanel.engage import ProfilePage, Selection, crawl_profiles
from mp_mcp.mixpanel.http import Http, make_client
from mp_mcp.mixpanel.models import Credentials, Target

from .conftest import Script, Wire, unspent
from .engaging import entry, form_of, ids, page, taken


async def crawled(wire: Wire, **selected: Any) -> list[ProfilePage]:
    return await taken(wire.http, **selected)


@pytest.mark.anyio
async def test_everything_that_is_selected_travels_as_a_form(script: Script) -> None:
    wire = script(page(entry(1), total=1))
    await crawled(
        wire,
        where='properties["plan"] == "pro"',
        distinct_ids=("u-1", "ü,2"),
        output_properties=("$email", "plan"),
        cohort_id=501,
        include_all_users=False,
        data_group_id=-1234567890123456789,
        as_of_timestamp=1735732800,
    )
    request = wire.requests[0]
    assert (request.method, request.url.path) == ("POST", "/api/query/engage")
    assert dict(request.url.params) == {"project_id": "42"}
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = form_of(request)
    assert json.loads(form.pop("distinct_ids")) == ["u-1", "ü,2"]
    assert json.loads(form.pop("output_properties")) == ["$email", "plan"]
    assert json.loads(form.pop("filter_by_cohort")) == {"id": 501}
    assert form == {
        "page": "0",
        "where": 'properties["plan"] == "pro"',
        "include_all_users": "false",
        "data_group_id": "-1234567890123456789",
        "as_of_timestamp": "1735732800",
    }


@pytest.mark.anyio
async def test_all_profiles_are_asked_as_of_one_moment(script: Script) -> None:
    wire = script(page(entry(1), entry(2), total=3, session_id="s"), page(entry(3)))
    await crawled(wire)
    first, second = map(form_of, wire.requests)
    assert first.keys() == {"page", "as_of_timestamp"}
    assert second == {**first, "page": "1", "session_id": "s"}


@pytest.mark.anyio
async def test_members_without_profile_are_a_matter_of_cohorts_only(script: Script) -> None:
    wire = script(page(total=0))
    await crawled(wire, include_all_users=True)
    assert "include_all_users" not in form_of(wire.requests[0])


@pytest.mark.anyio
async def test_more_ids_than_mixpanel_takes_are_refused(script: Script) -> None:
    assert Selection(distinct_ids=("a",) * 2000).distinct_ids
    with pytest.raises(UsageError, match="2000"):
        Selection(distinct_ids=("a",) * 2001)


@pytest.mark.anyio
async def test_a_profile_is_read_whatever_its_id_is(script: Script) -> None:
    results = [
        {"$distinct_id": 17, "$properties": {"a": [1, {"b": None}]}},
        {"$distinct_id": "", "$properties": None},
        {"$distinct_id": "x"},
    ]
    wire = script(page(*results, total=3, page_size=1000, session_id=5))
    (only,) = await crawled(wire)
    assert only.profiles == [("17", '{"a":[1,{"b":null}]}'), ("", "{}"), ("x", "{}")]
    assert (only.number, only.total) == (0, 3)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answers", "requests"),
    [
        ([page(total=0)], 1),
        ([page(entry(1), total=1, session_id="s")], 1),
        ([page(entry(1), entry(2), total=2, session_id="s")], 1),
        ([page(entry(1))], 1),
        ([page(entry(1), entry(2), session_id="s"), page(entry(3))], 2),
        ([page(entry(1), entry(2), session_id="s"), page(entry(3), entry(4)), page()], 3),
        # A total below what is there is no total.
        ([page(entry(1), entry(2), total=1, session_id="s"), page(entry(3))], 2),
        ([page(entry(1), entry(2), page_size=None, session_id="s"), page(entry(3))], 2),
        # The total knows better than a page that is not full.
        ([page(entry(1), total=3, session_id="s"), page(entry(2), entry(3))], 2),
    ],
)
async def test_a_crawl_ends_when_all_profiles_are_there(
    script: Script, answers: list[httpx.Response], requests: int
) -> None:
    wire = script(*answers)
    pages = await crawled(wire)
    assert len(wire.requests) == requests == len(pages)
    assert [one.number for one in pages] == list(range(requests))
    assert ids(pages) == [f"u-{number}" for number in range(1, len(ids(pages)) + 1)]


@pytest.mark.anyio
async def test_a_second_page_without_a_session_is_an_error(script: Script) -> None:
    wire = script(page(entry(1), entry(2), total=3))
    with pytest.raises(MixpanelError, match="shape"):
        await crawled(wire)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answers",
    [
        [page(total=3, session_id="s")],
        [page(entry(1), total=2)],
        [page(entry(1), entry(2), total=4, session_id="s"), page()],
        [page(entry(1), entry(2), total=4, session_id="s"), page(entry(3))],
        [page(entry(1), total=4, page_size=1000, session_id="s")],
    ],
)
async def test_fewer_profiles_than_mixpanel_counts_are_no_complete_crawl(
    script: Script, answers: list[httpx.Response]
) -> None:
    with pytest.raises(MixpanelUnavailableError, match="counts") as caught:
        await crawled(script(*answers))
    assert caught.value.retryable


@pytest.mark.anyio
@pytest.mark.parametrize("total", [{}, {"total": 9}])
async def test_pages_that_come_again_and_again_end_the_crawl(
    script: Script, total: dict[str, int]
) -> None:
    one, two = page(entry(1), entry(2), session_id="s", **total), page(entry(3), entry(4))
    wire = script(one, two, page(entry(2), entry(1)), two)
    with anyio.fail_after(10), pytest.raises(MixpanelUnavailableError, match="again"):
        await crawled(wire)


@pytest.mark.anyio
async def test_whoever_takes_the_pages_may_end_the_crawl(script: Script) -> None:
    wire = script(page(entry(1), entry(2), total=99, session_id="s"), page(entry(3), entry(4)))

    async def refuse(one: ProfilePage) -> None:
        if one.number:
            raise UsageError("the disk is full")

    with pytest.raises(UsageError, match="full"):
        await crawl_profiles(MixpanelExport(wire.http), Selection(), refuse)


@pytest.mark.anyio
async def test_a_session_that_mixpanel_forgot_is_worth_another_try(script: Script) -> None:
    forgotten = httpx.Response(400, json={"error": "request for page in uncached query for params"})
    wire = script(page(entry(1), entry(2), total=3, session_id="s"), forgotten)
    with pytest.raises(MixpanelUnavailableError, match="forgot") as caught:
        await crawled(wire)
    assert caught.value.retryable


@pytest.mark.anyio
@pytest.mark.parametrize(
    "answer",
    [
        *([], 7, {}, {"results": 5}, {"results": {}}, {"results": [{"id": 1}]}, {"results": [[1]]}),
        *(
            {"results": [{"$distinct_id": id_}]}
            for id_ in map(json.loads, ("null", "true", "[]", "{}"))
        ),
        *(
            {"results": [{"$distinct_id": "a", "$properties": odd}]}
            for odd in map(json.loads, ("1", '"x"', "[]"))
        ),
    ],
)
async def test_an_unknown_shape_is_an_error_not_a_guess(script: Script, answer: Any) -> None:
    with pytest.raises(MixpanelError, match="shape"):
        await crawled(script(httpx.Response(200, json=answer)))


profiles = st.lists(
    st.fixed_dictionaries(
        {"$distinct_id": st.text() | st.integers()},
        optional={
            "$properties": st.none() | st.dictionaries(st.text(), st.none() | st.integers()),
            "$group": st.text(),
        },
    ),
    max_size=9,
    unique_by=lambda one: str(one["$distinct_id"]),
)


@given(profiles, st.booleans(), st.integers(1, 4))
def test_no_profile_is_lost_or_doubled(sent: list[Any], counted: bool, size: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        form = form_of(request)
        start = int(form["page"]) * size
        assert ("session_id" in form) == (start > 0)
        found = {"results": sent[start : start + size], "page_size": size, "session_id": "s"}
        first = {"total": len(sent)} if counted and not start else {}
        return httpx.Response(200, json={**found, **first})

    async def crawl() -> list[ProfilePage]:
        target_ = Target(Credentials("oauth", "token"), "42")
        async with make_client(httpx.MockTransport(answer)) as client:
            return await taken(Http(client, target_, unspent()))

    pages = anyio.run(crawl)
    found = [profile for one in pages for profile in one.profiles]
    assert [one.distinct_id for one in found] == [str(one["$distinct_id"]) for one in sent]
    assert [json.loads(one.properties) for one in found] == [
        one.get("$properties") or {} for one in sent
    ]
