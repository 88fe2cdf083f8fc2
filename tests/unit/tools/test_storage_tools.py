from datetime import date

import pytest

from mp_mcp.overview import Overview, Workspace
from mp_mcp.results import Rows
from mp_mcp.store.models import TableInfo
from mp_mcp.tools.inspect_workspace import inspect_workspace
from mp_mcp.tools.storage.inspect_tables import inspect_tables
from mp_mcp.tools.storage.query_sql import query_sql
from tests.unit.tools.fakes import FakeReader

pytestmark = pytest.mark.anyio


async def test_a_query_is_the_stores_business_as_it_stands() -> None:
    answer = Rows(columns=["n"], rows=[[1]], row_count=1, hint="next: offset=1")
    store = FakeReader(answer)
    wishes = {"params": {"a": 1}, "limit": 7, "offset": 3}
    found = await query_sql(store, "SELECT 1", **wishes, timeout=2.5)  # type: ignore[arg-type]
    assert found is answer
    assert store.asked == [("SELECT 1", {**wishes, "timeout_s": 2.5})]


async def test_a_query_without_wishes_has_the_stores_own_time_limit() -> None:
    store = FakeReader()
    await query_sql(store, "SELECT 1")
    wishes = {"params": None, "limit": 1000, "offset": 0, "timeout_s": None}
    assert store.asked == [("SELECT 1", wishes)]


async def test_tables_are_listed_with_their_days() -> None:
    table = TableInfo(
        name="events",
        kind="events",
        rows=5,
        columns=9,
        first_day=date(2025, 1, 1),
        last_day=date(2025, 1, 3),
        days=2,
        missing_days=1,
    )
    found = await inspect_tables(FakeReader(tables=[table]))
    row = dict(zip(found.columns, found.rows[0], strict=True))
    assert (row["name"], row["rows"], row["missing_days"]) == ("events", 5, 1)
    assert (row["first_day"], row["last_day"]) == ("2025-01-01", "2025-01-03")
    assert (found.row_count, found.hint) == (1, None)


async def test_no_tables_come_with_the_next_step() -> None:
    found = await inspect_tables(FakeReader())
    assert (found.rows, found.row_count) == ([], 0)
    assert "fetch_events" in str(found.hint)


class Here(Overview):
    """Knows one workspace."""

    async def workspace(self) -> Workspace:
        """Where we are."""
        return Workspace(
            source="none",
            region="us",
            database="",
            database_state="absent",
            server_version="0",
            server_pid=1,
            clients=["mp pid 1"],
        )


async def test_the_workspace_is_told_as_the_server_knows_it() -> None:
    found = await inspect_workspace(Here())
    assert (found.source, found.clients, found.tables) == ("none", ["mp pid 1"], None)
