"""The prompt weekly_report."""

from typing import Annotated

from mp_mcp.prompt import prompt


@prompt
def weekly_report(
    events: Annotated[str, "The events that count, e.g. Signup, Purchase; default: the top 5"] = "",
    week: Annotated[str, "Which week, e.g. 2025-W02; default: the last whole one"] = "",
) -> str:
    """Write the report of a week: what moved, where, and what deserves a look."""
    which = f"these events: {events}" if events else "the five most frequent events"
    when = week or "the last whole week, Monday to Sunday"
    return f"""
    Write the weekly report for {when}, about {which}.

    1. inspect_tables, and fetch_events for this week and the four before it where days are missing.
    2. query_sql: per event and week the count and the users, with the change to the week before and
       to the mean of the four weeks before. Keep it with save_table as weekly_report.
    3. For the two largest changes: which country, platform, plan or version explains most of it?
    4. New users, users who came back, and users per day.
    5. Look for what is broken: silent events, days without data, errors that rose.

    Write it for people who read one minute: three sentences first, then a table of the events
    (count, users, change to last week, change to the four-week mean), then what deserves a look and
    why. Name the days, the time zone, and days to which late events may still come.
    """
