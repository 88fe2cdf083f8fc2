"""The Mixpanel handle: one typed method per endpoint.

Never imports an HTTP library, and never touches the database.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import quote

from mp_mcp.errors import HistoryLimitError
from mp_mcp.mixpanel.answers import bookmarks_of, event_names_of, me_of, series_of
from mp_mcp.mixpanel.export import export_window
from mp_mcp.mixpanel.expressions import property_expression
from mp_mcp.mixpanel.models import Bookmark, ExportedFile, Me, Series, Target, Window
from mp_mcp.mixpanel.refusals import history_days
from mp_mcp.mixpanel.transport import Params, Transport
from mp_mcp.tool import Handle

Unit = Literal["minute", "hour", "day", "week", "month"]
CountType = Literal["general", "unique", "average"]
BookmarkType = Literal["insights", "funnels", "retention", "flows", "launch-analysis"]

MAX_EVENT_NAMES = 5000
_EARLIEST = date(2000, 1, 1)


def _ignore_bytes(_count: int) -> None:
    pass


class Mixpanel(Handle):
    """Lent to tools that ask Mixpanel, in the name of one account about one project."""

    asks_mixpanel: ClassVar[bool] = True

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def target(self) -> Target:
        """In whose name, and about which project."""
        return self._transport.target

    async def event_names(self, limit: int = MAX_EVENT_NAMES) -> list[str]:
        """Every event that ever came in, in alphabetical order.

        Mixpanel looks at the last month unless told otherwise, and refuses to look further back
        than the project's history reaches, so that a second request may be needed.
        """
        today = datetime.now(UTC).date()
        try:
            return await self._event_names(_EARLIEST, today, limit)
        except HistoryLimitError as error:
            days = history_days(error)
            if days is None:
                raise
            return await self._event_names(today - timedelta(days=days), today, limit)

    async def _event_names(self, first: date, last: date, limit: int) -> list[str]:
        params: Params = {
            "type": "general",
            "limit": limit,
            "from_date": first.isoformat(),
            "to_date": last.isoformat(),
        }
        return event_names_of(await self._transport.get_json("query", "/events/names", params))

    async def bookmarks(
        self,
        type: BookmarkType | None = None,  # noqa: A002 - the API's word, and the tool's
    ) -> list[Bookmark]:
        """Saved reports of the project, or of the data view. Slow: half a minute for thousands."""
        target = self._transport.target
        scope = f"/projects/{quote(target.project_id, safe='')}"
        if target.workspace_id:
            scope = f"/workspaces/{quote(target.workspace_id, safe='')}"
        params: Params = {"v": 2, "type": type}
        return bookmarks_of(await self._transport.get_json("app", f"{scope}/bookmarks", params))

    async def segmentation(
        self,
        event: str,
        from_date: date,
        to_date: date,
        *,
        on: str | None = None,
        unit: Unit = "day",
        where: str | None = None,
        type: CountType = "general",  # noqa: A002 - the API's word, and the tool's
        limit: int | None = None,
    ) -> Series:
        """Counts of one event over time, one column per value of `on`.

        `on` is a property name or an expression; `limit` bounds its values, the largest win.
        """
        params: Params = {
            "event": event,
            "from_date": from_date.isoformat(),
            "to_date": to_date.isoformat(),
            "unit": unit,
            "type": type,
            "where": where,
            "on": property_expression(on) if on else None,
            "limit": limit if on else None,
        }
        return series_of(await self._transport.get_json("query", "/segmentation", params), event)

    async def export(
        self,
        folder: Path,
        window: Window,
        *,
        events: tuple[str, ...] = (),
        where: str | None = None,
        on_bytes: Callable[[int], None] = _ignore_bytes,
    ) -> ExportedFile:
        """Download the raw events of one window into `folder`."""
        return await export_window(
            self._transport, folder, window, events=events, where=where, on_bytes=on_bytes
        )


class MixpanelLogin(Handle):
    """Lent to the tool that checks credentials; unlike Mixpanel it needs no project."""

    asks_mixpanel: ClassVar[bool] = True

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def me(self) -> Me:
        """Who the credentials belong to; the cheapest proof that they work."""
        params: Params = {"include_workspace_users": "false"}
        return me_of(await self._transport.get_json("app", "/me", params))
