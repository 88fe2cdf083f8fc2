import json
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import pytest

from mp_mcp.demo.events import Event, events_of, line_of
from mp_mcp.demo.history import History, duplicate_key
from mp_mcp.demo.story import DROP_COUNTRY, DROP_DAYS, Story
from mp_mcp.demo.truth import truth_of
from mp_mcp.demo.users import make_users

STORY = Story(seed=3, days=28, events_per_day=150, last_day=date(2025, 3, 31))
DAYS = list(STORY.days_between(STORY.first_day, STORY.last_day))


@pytest.fixture(scope="module")
def history() -> History:
    return History(STORY)


@pytest.fixture(scope="module")
def rows(history: History) -> list[Event]:
    return [row for day in DAYS for row in history.day(day)]


def _values(rows: list[Event], name: str) -> list[Any]:
    return [row.properties[name] for row in rows if name in row.properties]


def test_equal_stories_have_equal_events() -> None:
    day = STORY.last_day
    one = list(events_of(STORY, make_users(3, STORY.user_count), day))
    two = list(events_of(STORY, make_users(3, STORY.user_count), day))
    assert one == two
    assert [line_of(row) for row in one] == [line_of(row) for row in two]


def test_another_seed_tells_another_story() -> None:
    users = make_users(3, 60)
    other = Story(seed=4, days=28, events_per_day=150, last_day=STORY.last_day)
    assert list(events_of(STORY, users, STORY.last_day)) != list(
        events_of(other, users, STORY.last_day)
    )


def test_the_story_ends_yesterday_unless_it_is_told_otherwise() -> None:
    assert Story().today == Story().last_day + timedelta(days=1)
    assert STORY.today == date(2025, 4, 1)


def test_a_line_has_exactly_two_keys_and_ends_with_a_line_feed(rows: list[Event]) -> None:
    for row in rows:
        line = line_of(row)
        assert line.endswith(b"}\n")
        assert line.count(b"\n") == 1
        assert list(json.loads(line)) == ["event", "properties"]


def test_lines_are_about_six_hundred_bytes_with_twenty_properties(rows: list[Event]) -> None:
    assert 450 < sum(len(line_of(row)) for row in rows) / len(rows) < 750
    assert 17 < sum(len(row.properties) for row in rows) / len(rows) < 27


def test_time_is_in_seconds_or_in_milliseconds(rows: list[Event]) -> None:
    seconds = json.loads(line_of(rows[0]))["properties"]["time"]
    millis = json.loads(line_of(rows[0], time_in_ms=True))["properties"]["time"]
    assert seconds == millis // 1000


def test_every_event_lies_within_its_utc_day(history: History) -> None:
    for day in DAYS:
        midnight = (day - date(1970, 1, 1)).days * 86_400_000
        assert all(0 <= row.properties["time"] - midnight < 86_400_000 for row in history.day(day))


def test_a_day_is_not_sorted_by_time(history: History) -> None:
    times = [row.properties["time"] for row in history.day(STORY.last_day)]
    assert times != sorted(times)


def test_one_day_is_empty_and_weekends_are_quiet(history: History) -> None:
    truth = truth_of(history, STORY.first_day, STORY.last_day, late=True)
    assert str(STORY.empty_day) not in truth.by_day
    assert truth.by_day["2025-03-19"] > truth.by_day["2025-03-22"]


def test_a_property_appears_and_another_changes_its_type(history: History) -> None:
    early, late = (list(history.day(DAYS[index])) for index in (1, 20))
    assert _values(early, "experiment") == []
    assert _values(late, "experiment")
    assert {type(value) for value in _values(early, "$browser_version")} == {int}
    assert {type(value) for value in _values(late, "$browser_version")} == {str}


def test_values_are_hostile(rows: list[Event]) -> None:
    text = b"".join(line_of(row) for row in rows).decode()
    assert all(part in text for part in ("\u2028", "\u0085", "🌸", "東京", "Łukasz", "00042"))
    assert None in _values(rows, "coupon")
    assert all(2**59 <= value < 2**60 for value in _values(rows, "order_id"))
    assert all(len(value) == 5 and value.isdecimal() for value in _values(rows, "zip"))
    assert isinstance(_values(rows, "items")[0][0]["opts"], dict)
    assert isinstance(_values(rows, "tags")[0], list)
    assert {type(value) for value in _values(rows, "distinct_id")} == {int, str}
    assert any("userName" in row.properties and "username" in row.properties for row in rows)


def test_of_duplicates_the_one_processed_later_is_right(history: History) -> None:
    groups: dict[object, list[Event]] = defaultdict(list)
    for day in DAYS:
        for row in history.exported(day, late=True):
            if (key := duplicate_key(row)) is not None:
                groups[key].append(row)
    doubles = [group for group in groups.values() if len(group) > 1]
    assert doubles
    counted = [row for day in DAYS for row in history.counted(day, late=True)]
    by_key = {duplicate_key(row): row for row in counted}
    for group in doubles:
        newest = max(group, key=lambda row: row.properties["mp_processing_time_ms"])
        assert by_key[duplicate_key(newest)] is newest
        assert newest.properties["plan"] == "corrected"
    # The newer one is not always the second.
    assert len({group[0].properties["plan"] == "corrected" for group in doubles}) == 2


def test_rows_without_an_insert_id_are_all_counted(history: History, rows: list[Event]) -> None:
    without = [row for row in rows if "$insert_id" not in row.properties]
    counted = [row for day in DAYS for row in history.counted(day, late=True)]
    assert len(without) == sum(1 for row in counted if "$insert_id" not in row.properties)
    assert any(len(list(group)) > 1 for _, group in groupby(without, key=lambda row: row[:2]))


def test_late_events_belong_to_the_last_days_and_arrive_when_let_in(history: History) -> None:
    late_days = [day for day in DAYS if any(row.late for row in history.day(day))]
    assert set(late_days) <= set(DAYS[-5:])
    before = truth_of(history, STORY.first_day, STORY.last_day)
    after = truth_of(history, STORY.first_day, STORY.last_day, late=True)
    assert before.events < after.events


def test_purchases_drop_in_one_country_in_the_last_week() -> None:
    story = Story(seed=1, days=28, events_per_day=400, last_day=date(2025, 3, 31))
    history = History(story)
    weeks: list[Counter[str]] = []
    for shift in (DROP_DAYS, 0):
        last = story.last_day - timedelta(days=shift)
        first = last - timedelta(days=DROP_DAYS - 1)
        weeks.append(
            truth_of(
                history, first, last, late=True, event="Purchase", prop="mp_country_code"
            ).values
        )
    before, after = weeks
    assert after[DROP_COUNTRY] < before[DROP_COUNTRY] * 0.5
    others = sum(before.values()) - before[DROP_COUNTRY]
    assert sum(after.values()) - after[DROP_COUNTRY] > others * 0.8


def test_the_truth_sums_and_counts_values(history: History) -> None:
    truth = truth_of(
        history, STORY.first_day, STORY.last_day, late=True, event="Purchase", prop="amount"
    )
    rows = [row for day in DAYS for row in history.counted(day, late=True)]
    amounts = [row.properties["amount"] for row in rows if row.name == "Purchase"]
    assert truth.events == len(amounts) == truth.values.total()
    assert truth.sum == pytest.approx(sum(amounts))
    assert "amount" in truth.keys
