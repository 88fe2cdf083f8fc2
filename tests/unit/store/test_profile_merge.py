"""A profile table after each fetch: what is new, changed, gone or as it was."""

from collections.abc import Iterator

import pytest

from mp_mcp.errors import TableExistsError, UsageError
from mp_mcp.store import layout
from mp_mcp.store.models import ProfileChoice
from mp_mcp.store.profile_table import check_target
from tests.unit.store.loading import Loader, emptied, fresh_loader, line
from tests.unit.store.profile_loading import (
    Profiles,
    counts,
    entries,
    load,
    load_pages,
    stored,
)

TEAM = 'properties["plan"] == "team"'
FIRST: Profiles = {
    "u-1": {"plan": "team", "seats": 3},
    "u-2": {"plan": "free", "seats": 1},
    "u-3": {},
}


@pytest.fixture
def loader(shared: Loader) -> Iterator[Loader]:
    with emptied(shared):
        yield shared


@pytest.fixture(scope="module")
def shared() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


def test_a_first_fetch_makes_a_view_with_every_property_as_a_column(loader: Loader) -> None:
    report = load(loader, FIRST)
    assert counts(report) == (3, 0, 0, 0)
    assert (report.rows, sorted(report.new_columns)) == (3, ["plan", "seats"])
    found = loader.rows("SELECT distinct_id, plan, seats, prop('seats') FROM profiles ORDER BY 1")
    assert found == [("u-1", "team", 3.0, "3.0"), ("u-2", "free", 1.0, "1.0"), ("u-3", *[None] * 3)]
    types = loader.rows("SELECT column_name, column_type FROM (DESCRIBE profiles)")
    assert types[0] == ("distinct_id", "VARCHAR")
    assert ("properties", "JSON") in types


def test_the_next_fetch_says_what_became_of_each(loader: Loader) -> None:
    load(loader, FIRST)
    second: Profiles = {"u-2": {"plan": "team", "seats": 1}, "u-3": {}, "u-4": {"city": "Porto"}}
    report = load(loader, second)
    assert counts(report) == (1, 1, 1, 1)
    assert (report.rows, report.new_columns) == (3, ["city"])
    assert stored(loader) == second


def test_a_property_that_went_is_a_change(loader: Loader) -> None:
    load(loader, FIRST)
    assert counts(load(loader, {**FIRST, "u-1": {"plan": "team"}})) == (0, 1, 0, 2)
    assert counts(load(loader, {**FIRST, "u-1": {"plan": None}})) == (0, 1, 0, 2)
    assert stored(loader)["u-1"] == {"plan": None}


def test_an_answer_without_profiles_empties_the_table(loader: Loader) -> None:
    assert counts(load(loader, {}, table="nobody")) == (0, 0, 0, 0)
    assert loader.rows("SELECT * FROM nobody") == []
    load(loader, FIRST)
    assert counts(load(loader, {})) == (0, 0, 3, 0)
    assert stored(loader) == {}


def test_the_later_page_wins_when_a_profile_is_on_two(loader: Loader) -> None:
    pages = [entries({"u-1": {"n": 1}, "u-2": {"n": 1}}), entries({"u-1": {"n": 2}})]
    report = load_pages(loader, pages)
    assert (counts(report), report.duplicates) == ((2, 0, 0, 0), 1)
    assert stored(loader) == {"u-1": {"n": 2}, "u-2": {"n": 1}}


def test_ids_are_text_and_null_text_is_text(loader: Loader) -> None:
    pages = ['{"$distinct_id":17,"$properties":{"$region":"<null>"}},{"$distinct_id":""}']
    load_pages(loader, pages)
    assert stored(loader) == {"17": {"$region": "<null>"}, "": {}}
    assert loader.values("SELECT \"$region\" FROM profiles WHERE distinct_id = '17'") == ["<null>"]
    assert counts(load_pages(loader, pages)) == (0, 0, 0, 2)


def test_some_ids_change_only_those_profiles(loader: Loader) -> None:
    load(loader, FIRST)
    choice = ProfileChoice(distinct_ids=("u-1", "u-2", "u-4", "nobody"))
    report = load(loader, {"u-1": {"plan": "pro"}, "u-4": {"plan": "free"}}, choice)
    assert counts(report) == (1, 1, 1, 0)
    assert stored(loader) == {"u-1": {"plan": "pro"}, "u-3": {}, "u-4": {"plan": "free"}}
    assert (report.rows, report.partial) == (3, True)


def test_a_table_of_some_ids_says_so_until_it_is_fetched_as_a_whole(loader: Loader) -> None:
    load(loader, {"u-1": {}}, ProfileChoice(distinct_ids=("u-1",), where=TEAM))
    (found,) = loader.values("SELECT where_filter FROM _mp.tables")
    assert '"distinct_ids": "only those' in str(found)
    assert TEAM.replace('"', '\\"') in str(found)
    assert counts(load(loader, {"u-1": {}, "u-2": {}}, ProfileChoice(where=TEAM))) == (1, 0, 0, 1)
    assert loader.values("SELECT where_filter FROM _mp.tables") == [TEAM]


@pytest.mark.parametrize(
    "choice",
    [
        ProfileChoice(where=TEAM),
        ProfileChoice(cohort=501),
        ProfileChoice(output_properties=("plan",)),
        ProfileChoice(cohort=501, distinct_ids=("u-1",)),
    ],
)
def test_another_filter_is_refused_with_a_free_name(loader: Loader, choice: ProfileChoice) -> None:
    load(loader, FIRST)
    with pytest.raises(TableExistsError, match="unfiltered") as caught:
        load(loader, {}, choice)
    assert "profiles_2" in str(caught.value.hint)
    assert "--replace" in str(caught.value.hint)
    assert stored(loader) == FIRST
    whole = choice.model_copy(update={"distinct_ids": ()})
    assert counts(load(loader, FIRST, whole, table="profiles_2")) == (3, 0, 0, 0)
    assert counts(load(loader, FIRST, choice, table="Profiles_2"))[:2] == (0, 0)
    with pytest.raises(TableExistsError, match="only profiles of"):
        load(loader, {}, table="profiles_2")


def test_the_order_of_the_output_properties_is_no_other_filter(loader: Loader) -> None:
    load(loader, FIRST, ProfileChoice(output_properties=("plan", "seats")))
    again = load(loader, FIRST, ProfileChoice(output_properties=("seats", "plan", "plan")))
    assert counts(again) == (0, 0, 0, 3)


def test_replace_starts_over_with_columns_and_filter(loader: Loader) -> None:
    load(loader, FIRST)
    choice = ProfileChoice(where=TEAM)
    report = load(loader, {"u-1": {"seats": "three"}}, choice, replace=True)
    assert counts(report) == (1, 0, 0, 0)
    assert report.new_columns == ["seats"]
    assert loader.rows("SELECT distinct_id, seats FROM profiles") == [("u-1", "three")]
    assert loader.values("SELECT where_filter FROM _mp.tables") == [TEAM]


def test_other_kinds_of_tables_are_never_touched(loader: Loader) -> None:
    loader.load([line(plan="team")], "events")
    loader.cursor.execute("CREATE OR REPLACE TABLE theirs AS SELECT 1 AS a")
    for table, why in (("events", "events, not profiles"), ("theirs", "not a table that mp made")):
        for replace in (False, True):
            with pytest.raises(TableExistsError, match=why):
                load(loader, FIRST, table=table, replace=replace)
    assert loader.rows("SELECT plan FROM events, theirs") == [("team",)]
    loader.cursor.execute("DROP TABLE theirs")
    load(loader, FIRST)
    with pytest.raises(TableExistsError, match="profiles, not events"):
        loader.load([line()], "profiles")


def test_a_bad_name_is_refused_before_anything_is_read(loader: Loader) -> None:
    with pytest.raises(UsageError, match="cannot name a table"):
        check_target(loader.cursor, "no name", ProfileChoice(), replace=True)


def test_a_load_that_is_repeated_reports_the_first_one(loader: Loader) -> None:
    page = [entries(FIRST)]
    first = load_pages(loader, page, job_id="job-1")
    load(loader, {"u-9": {}})
    assert load_pages(loader, page, job_id="job-1") == first
    assert stored(loader) == {"u-9": {}}


def test_event_tables_keep_their_columns_beside_profiles(loader: Loader) -> None:
    load(loader, {"u-1": {"event": "x", "plan": "team"}})
    loader.load([line("Login", plan="free", distinct_id="u-1", event="own")])
    joined = loader.rows(
        "SELECT events.event, events.event_2, profiles.event, profiles.plan"
        " FROM events JOIN profiles USING (distinct_id)"
    )
    assert joined == [("Login", "own", "x", "team")]
    layout.drop_table(loader.cursor, "profiles")
    assert loader.values("SELECT prop('plan') FROM events") == ["free"]


def test_more_properties_than_columns_are_all_reachable(loader: Loader) -> None:
    wide: Profiles = {"u-1": {f"p{number}": number for number in range(700)}}
    load(loader, wide)
    assert stored(loader) == wide
    assert loader.values("SELECT prop('p699')::INT FROM profiles") == [699]
    assert counts(load(loader, wide)) == (0, 0, 0, 1)
    columns = loader.values("SELECT count(*) FROM (DESCRIBE profiles)")
    assert columns == [layout.MAX_COLUMNS + 3]
