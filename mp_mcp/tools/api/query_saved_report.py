"""The tool query_saved_report. Never touches the database."""

from typing import Annotated

from pydantic import Field

from mp_mcp.mixpanel.client import Mixpanel
from mp_mcp.mixpanel.saved_report import SavedReport, saved_report
from mp_mcp.tool import Flag, tool
from mp_mcp.tools.params import BookmarkId, DayIfAny, require_order

Native = Annotated[
    bool,
    Flag("--native"),
    Field(description="Ask funnels and retention at their own endpoint, with all their details"),
]

FromDate = Annotated[
    DayIfAny,
    Flag("--from"),
    Field(
        description="First day, YYYY-MM-DD, inclusive, of a funnel with native; default: 30 days "
        "up to to_date"
    ),
]
ToDate = Annotated[
    DayIfAny,
    Flag("--to"),
    Field(
        description="Last day, YYYY-MM-DD, inclusive, of a funnel with native; other reports have "
        "their own range"
    ),
]


@tool(savable=True, essential=True)
async def query_saved_report(
    mixpanel: Mixpanel,
    bookmark_id: BookmarkId,
    *,
    native: Native = False,
    from_date: FromDate = None,
    to_date: ToDate = None,
) -> SavedReport:
    """Show what a saved Mixpanel report (bookmark) of any type answers now.

    Use it when a report answers the question already: inspect_bookmarks has the ids. Not for other
    views of flows: use query_flows. Its range is its own; only a funnel with native takes dates.
    Ratios are fractions, times seconds. Costs 1 query.
    Example: bookmark_id=63001.
    """
    if from_date and to_date:
        require_order(from_date, to_date)
    return await saved_report(
        mixpanel, bookmark_id, native=native, from_date=from_date, to_date=to_date
    )
