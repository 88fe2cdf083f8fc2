"""What a fetch of events was asked for, in one value. Never says how to get it."""

from datetime import date
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """The arguments of fetch_events that its parts need; days are included on both ends."""

    table: str
    days: tuple[date, date]
    events: tuple[str, ...] = ()
    where: str | None = None
    refresh: bool = False
    replace: bool = False
    workers: int = 3

    def days_wanted(self) -> dict[str, Any]:
        """The arguments of `StoreWriter.days_to_fetch`."""
        return {
            "table": self.table,
            "days": self.days,
            "events": self.events,
            "where": self.where,
            "refresh": self.refresh,
            "replace": self.replace,
        }
