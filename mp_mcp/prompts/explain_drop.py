"""The prompt explain_drop."""

from typing import Annotated

from mp_mcp.prompt import prompt


@prompt
def explain_drop(
    event: Annotated[str, "The event that fell, e.g. Purchase"],
    period: Annotated[str, "When it fell, e.g. last week, or 2025-01-06 to 2025-01-12"] = "",
    property: Annotated[str, "Where you saw it, a property to break down by, e.g. country"] = "",  # noqa: A002
) -> str:
    """Find out why an event fell: when, where, for whom, and what changed with it."""
    when = period or "the last seven whole days"
    first = f", and by {property} first, because that is where I saw it" if property else ""
    return f"""
    The event {event!r} fell in {when}. Find out why, and how sure you are.

    1. inspect_tables: are these days and as many before them here, without gaps? If not,
       fetch_events brings both periods; recent days may still get late events.
    2. query_sql: {event} per day in both periods. Is it a drop, a weekly rhythm, a day without any
       event at all, or a change in tracking? Compare equal weekdays.
    3. Break both periods down{first}: by country, platform, app version, plan, payment method and
       whatever inspect_schema shows to be filled. Look for the one value that explains most of the
       difference: compare absolute differences, not percentages.
    4. Within that value, look at what comes before and instead of {event}: did fewer users reach
       it, or did as many fail? Look for error events and properties whose share rose as much as
       {event} fell.
    5. Test the cause: without it, is the drop gone? With it, does it hold elsewhere?

    Answer in this order: what fell and by how much, where, since when, the likely cause with the
    numbers for it, what speaks against it, and what to check next. Name the days that are covered.
    """
