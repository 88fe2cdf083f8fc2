"""The tool inspect_bookmarks. Never touches the database."""

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.params import BookmarkType, RowLimit, Search


@tool
async def inspect_bookmarks(
    mixpanel: Mixpanel,
    *,
    type: BookmarkType = None,  # noqa: A002 - the contract's name
    search: Search = None,
    limit: RowLimit = 1000,
) -> Rows:
    """List the saved reports (bookmarks) of this Mixpanel project, newest change first.

    Use it to find a report's id by its name. Slow: 20 to 27 seconds for 2,500 reports, so narrow
    it with type, and with search for a part of the name.
    """
    found = await mixpanel.bookmarks(type)
    wanted = (search or "").casefold()
    matching = [bookmark for bookmark in found if wanted in (bookmark.name or "").casefold()]
    matching.sort(key=lambda bookmark: (bookmark.modified or "", bookmark.id), reverse=True)
    kept = matching[:limit]
    more = len(kept) < len(matching)
    return Rows(
        columns=["id", "name", "type", "modified", "created", "creator", "dashboard_id"],
        rows=[
            [b.id, b.name, b.type, b.modified, b.created, b.creator_name, b.dashboard_id]
            for b in kept
        ],
        row_count=len(kept),
        truncated=more,
        hint=f"{len(matching)} reports match; narrow with type or search." if more else None,
    )
