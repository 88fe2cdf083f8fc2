"""Event tables for tests of what reads them. Never checks anything itself."""

from collections.abc import Iterable
from datetime import date

from mp_mcp.store.open_store import Store
from tests.unit.store.loading import JAN_1


async def load(
    store: Store,
    lines: Iterable[str],
    table: str = "events",
    *,
    days: tuple[date, date] | None = (JAN_1, JAN_1),
) -> None:
    """These export lines into a table."""
    writer = store.writer()
    async with writer.spool() as folder:
        file = folder / "export.jsonl"
        file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        await writer.load_events(table, [file], days=days)


async def value(store: Store, sql: str) -> object:
    """The one value of a query."""
    return (await store.reader().query(sql, limit=1)).rows[0][0]
