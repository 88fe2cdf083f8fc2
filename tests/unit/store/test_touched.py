"""Which days a query is about, by its text."""

from datetime import date

import pytest

from mp_mcp.store.parser import tree_of
from mp_mcp.store.touched import Touched, touched_days

JAN_5, JAN_31 = date(2025, 1, 5), date(2025, 1, 31)


@pytest.mark.parametrize(
    ("condition", "touched"),
    [
        ("true", Touched()),
        ("day >= '2025-01-05'", Touched(JAN_5, None)),
        ("'2025-01-05' <= day", Touched(JAN_5, None)),
        ("day = DATE '2025-01-05'", Touched(JAN_5, JAN_5)),
        ("day BETWEEN '2025-01-05' AND '2025-01-31'", Touched(JAN_5, JAN_31)),
        ("day >= '2025-01-05' AND day < '2025-02-01'", Touched(JAN_5, JAN_31)),
        ("time >= '2025-01-05 08:30' AND time < '2025-01-31 12:00'", Touched(JAN_5, JAN_31)),
        ("time < '2025-02-01 00:00:00'", Touched(None, JAN_31)),
        ("time::DATE <= '2025-01-31'::DATE", Touched(None, JAN_31)),
        ("date_trunc('day', e.time) = '2025-01-05'", Touched(JAN_5, JAN_5)),
        ("day IN ('2025-01-31', '2025-01-05')", Touched(JAN_5, JAN_31)),
        ("day = '2025-01-05' OR day = '2025-01-31'", Touched(JAN_5, JAN_31)),
        ("plan = '2025-01-05'", Touched()),
        ("day > current_date - 7", Touched()),
        ("day > 'yesterday' AND day < '2025-13-45'", Touched()),
        ("day <> '2025-01-05'", Touched()),
    ],
)
def test_the_dates_that_a_query_compares_days_with_are_its_days(
    condition: str, touched: Touched
) -> None:
    tree = tree_of(f"SELECT count(*) FROM events AS e WHERE {condition}")
    assert tree is not None
    assert touched_days(tree) == touched


def test_dates_inside_of_with_parts_and_subqueries_count() -> None:
    tree = tree_of(
        "WITH a AS (SELECT * FROM events WHERE day = '2025-01-05')"
        " SELECT * FROM a WHERE x IN (SELECT y FROM events WHERE day = '2025-01-31')"
    )
    assert tree is not None
    assert touched_days(tree) == Touched(JAN_5, JAN_31)
