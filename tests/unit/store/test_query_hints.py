"""What an answer of query_sql says beside its rows."""

from datetime import date

import pytest

from mp_mcp.store.open_store import Store
from tests.unit.store.loading import line
from tests.unit.store.tables import load

pytestmark = pytest.mark.anyio

OCTOBER, NOVEMBER = (
    (date(2025, 10, 18), date(2025, 10, 24)),
    (date(2025, 11, 20), date(2025, 11, 27)),
)
GAP = "events lacks the days 2025-10-25..2025-11-19: fetch_events gets them."


async def hint(store: Store, sql: str, **params: object) -> str:
    """All that the answer says, empty when it says nothing."""
    return (await store.reader().query(sql, limit=9, params=params)).hint or ""


@pytest.mark.parametrize(
    ("sql", "lacks"),
    [
        ("SELECT CASE WHEN day >= '2025-11-20' THEN 1 END, count(*) FROM events GROUP BY 1", True),
        ("SELECT count(*), count(*) FILTER (WHERE day = '2025-11-20') FROM events", True),
        ("SELECT count(*) FROM events WHERE date_trunc('month', day) = '2025-11-01'", True),
        ("SELECT count(*) FROM events WHERE day > '2025-11-19'", False),
        ("SELECT count(*) FROM events WHERE day = $d", False),
        ("SELECT count(*) FROM events WHERE day BETWEEN $D AND $d::DATE + 3", False),
        ("SELECT count(*) FROM main.events WHERE day <= $d", True),
    ],
)
async def test_missing_days_are_told_where_the_sql_reads_them(
    store: Store, sql: str, lacks: bool
) -> None:
    await load(store, [], days=OCTOBER)
    await load(store, [line(time=1763640000)], days=NOVEMBER)
    params = {"d": "2025-11-20"} if "$" in sql else {}
    assert (GAP in await hint(store, sql, **params)) is lacks
    assert "lacks" not in await hint(store, "SELECT 1 FROM events WHERE day > '2025-11-20'")
