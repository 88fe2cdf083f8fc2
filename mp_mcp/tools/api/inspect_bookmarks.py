"""The tool inspect_bookmarks. Never touches the database."""

from mp_mcp.mixpanel.bookmarks import bookmarks
from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.results import Rows
from mp_mcp.tool import tool
from mp_mcp.tools.nothing_found import doubt_search
from mp_mcp.tools.params import BookmarkType, RowLimit, Search

COLUMNS = ("id", "name", "type", "modified", "created", "creator", "dashboard_id")


@tool(essential=True)
async def inspect_bookmarks(
    mixpanel: Mixpanel,
    *,
    type: BookmarkType = None,  # noqa: A002 - the contract's name
    search: Search = None,
    limit: RowLimit = 1000,
) -> Rows:
    """List the saved reports (bookmarks) of this Mixpanel project, newest change first.

    Use it to find the id of a report for query_saved_report. Not for funnels alone: inspect_funnels
    is faster. Takes up to 30 s for thousands of reports: narrow it with type and search.
    Example: type="insights", search="revenue".
    """
    wanted = (search or "").casefold()
    found = [
        bookmark
        for bookmark in await bookmarks(mixpanel, type)
        if wanted in (bookmark.name or "").casefold()
    ]
    found.sort(key=lambda bookmark: (bookmark.modified or "", bookmark.id), reverse=True)
    rows = [
        [b.id, b.name, b.type, b.modified, b.created, b.creator_name, b.dashboard_id] for b in found
    ]
    return doubt_search(Rows.of(COLUMNS, rows).first(limit, "reports"), search, "report")
