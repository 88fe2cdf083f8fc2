"""Which days a query is about, by its text and the values of its parameters."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mp_mcp.store.parser import tree_of
from mp_mcp.store.touched import Touched, hull, uses_of

JAN_4, JAN_5, JAN_31 = date(2025, 1, 4), date(2025, 1, 5), date(2025, 1, 31)
PARAMS = {"d": "2025-01-05", "To": "2025-01-31 12:00:00", "n": 3}


def touched_days(sql: str, table: str = "events") -> Touched:
    tree = tree_of(sql)
    assert tree is not None
    return hull(use.touched(PARAMS) for use in uses_of(tree) if use.table == (table,))


@pytest.mark.parametrize(
    ("condition", "touched"),
    [
        ("true", Touched()),
        ("day >= '2025-01-05'", Touched(JAN_5, None)),
        ("'2025-01-05' <= day", Touched(JAN_5, None)),
        ("day > '2025-01-04'", Touched(JAN_5, None)),
        ("time > '2025-01-05'", Touched(JAN_5, None)),
        ("day = DATE '2025-01-05'", Touched(JAN_5, JAN_5)),
        ("day BETWEEN '2025-01-05' AND '2025-01-31'", Touched(JAN_5, JAN_31)),
        ("day >= '2025-01-05' AND day < '2025-02-01'", Touched(JAN_5, JAN_31)),
        ("day >= '2025-01-01' AND (plan = 'a' AND e.day >= '2025-01-05')", Touched(JAN_5, None)),
        ("time >= '2025-01-05 08:30' AND time < '2025-01-31 12:00'", Touched(JAN_5, JAN_31)),
        ("time < '2025-02-01 00:00:00'", Touched(None, JAN_31)),
        ("time::DATE <= '2025-01-31'::DATE", Touched(None, JAN_31)),
        ("date(time) > '2025-01-04'", Touched(JAN_5, None)),
        ("date_trunc('day', e.time) = '2025-01-05'", Touched(JAN_5, JAN_5)),
        ("day IN ('2025-01-31', '2025-01-05')", Touched(JAN_5, JAN_31)),
        ("day = $d", Touched(JAN_5, JAN_5)),
        ("day >= $D::DATE AND time <= $to", Touched(JAN_5, JAN_31)),
        ("day = DATE '2025-01-01' + 4", Touched(JAN_5, JAN_5)),
        ("day >= $d::DATE - $n", Touched(date(2025, 1, 2), None)),
        ("day >= DATE '2025-02-05' - INTERVAL 1 MONTH", Touched(JAN_5, None)),
        ("day <= DATE '2024-12-31' + INTERVAL '1 month'", Touched(None, JAN_31)),
        ("time_utc = '2025-01-05 12:00'", Touched(JAN_4, date(2025, 1, 6))),
    ],
)
def test_the_dates_that_all_rows_are_compared_with_are_its_days(
    condition: str, touched: Touched
) -> None:
    assert touched_days(f"SELECT count(*) FROM events AS e WHERE {condition}") == touched


@pytest.mark.parametrize(
    "condition",
    [
        "day = '2025-01-05' OR plan = 'a'",
        "NOT day = '2025-01-05'",
        "day NOT BETWEEN '2025-01-05' AND '2025-01-31'",
        "day NOT IN ('2025-01-05')",
        "day <> '2025-01-05'",
        "CASE WHEN day = '2025-01-05' THEN true ELSE plan = 'a' END",
        "date_trunc('month', day) = '2025-01-01'",
        "time_bucket(INTERVAL 7 DAYS, day) = '2025-01-05'",
        "day + 5 = '2025-01-05'",
        "day::VARCHAR = '2025-01-05'",
        "plan = '2025-01-05'",
        "properties.day = '2025-01-05'",
        "other.day = '2025-01-05'",
        "day IN ('2025-01-05', plan)",
        "day > 'yesterday' AND day < '2025-13-45'",
        "day > '2025-01-05 00:00:00+05'",
        "day > current_date - 99999999",
        "day > DATE '2025-01-05' - INTERVAL 99999 YEARS",
        "day > current_date - trunc(3, 1)",
        "day > current_date - plan",
        "day = $n",
        "day = -$n",
        "day > " + " + ".join(["1"] * 150),
    ],
)
def test_what_is_not_surely_understood_narrows_nothing(condition: str) -> None:
    assert touched_days(f"SELECT 1 FROM events AS e WHERE {condition}") == Touched()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CASE WHEN day >= '2025-01-05' THEN 'after' END, count(*) FROM events GROUP BY 1",
        "SELECT count(*), count(*) FILTER (WHERE day = '2025-01-05') FROM events",
        "SELECT date_trunc('month', day) AS day FROM events GROUP BY 1 HAVING day = '2025-01-01'",
        "SELECT * FROM events QUALIFY day = '2025-01-05'",
        "SELECT * FROM events AS e (day, time) WHERE day = '2025-01-05'",
        "SELECT * FROM events UNION ALL SELECT * FROM events WHERE day = '2025-01-05'",
        "SELECT * FROM events WHERE day = (SELECT max(day) FROM events WHERE day < '2025-01-05')",
        "SELECT 1 FROM events AS e LEFT JOIN users AS u ON e.day = '2025-01-05'",
        "SELECT 1 FROM users AS u FULL JOIN events AS e ON e.day = '2025-01-05'",
        "SELECT 1 FROM users WHERE day = '2025-01-05' AND id IN (SELECT id FROM events)",
        "SUMMARIZE events",
    ],
)
def test_dates_that_only_some_of_the_rows_meet_narrow_nothing(sql: str) -> None:
    assert touched_days(sql) == Touched()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM users AS u JOIN events AS e ON u.id = e.id AND e.day = '2025-01-05'",
        "SELECT 1 FROM users AS u LEFT JOIN events AS e ON u.id = e.id AND e.day = '2025-01-05'",
        "SELECT 1 FROM users AS u, events AS e WHERE e.day = '2025-01-05'",
        "WITH a AS (SELECT * FROM events WHERE day = '2025-01-05') SELECT * FROM a",
        "SELECT 1 FROM users WHERE id IN (SELECT id FROM events WHERE day = '2025-01-05')",
    ],
)
def test_dates_count_where_the_table_is_read(sql: str) -> None:
    assert touched_days(sql) == Touched(JAN_5, JAN_5)


def test_each_place_that_reads_a_table_adds_its_days() -> None:
    sql = (
        "WITH a AS (SELECT * FROM events WHERE day = '2025-01-05')"
        " SELECT * FROM a WHERE x IN (SELECT y FROM events WHERE day = '2025-01-31')"
    )
    assert touched_days(sql) == Touched(JAN_5, JAN_31)


@pytest.mark.parametrize(
    ("condition", "back"),
    [
        ("day > current_date - 3", 2),
        ("day >= today() - INTERVAL 1 WEEK", 7),
        ("day >= current_date - INTERVAL '3 days'", 3),
        ("day >= now()::DATE - to_days(3)", 3),
        ("time >= current_timestamp - INTERVAL '48 hours'", 2),
    ],
)
def test_days_before_today_are_understood(condition: str, back: int) -> None:
    before = datetime.now(UTC).date()
    first, last = touched_days(f"SELECT 1 FROM events WHERE {condition}")
    after = datetime.now(UTC).date()
    assert first in {day - timedelta(back) for day in (before, after)}
    assert last is None
