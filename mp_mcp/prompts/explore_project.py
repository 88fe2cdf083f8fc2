"""The prompt explore_project."""

from typing import Annotated

from mp_mcp.prompt import prompt


@prompt
def explore_project(
    question: Annotated[str, "What you want to know in the end, if you know it already"] = "",
) -> str:
    """Get to know this Mixpanel project: what is tracked, how much, and what it can answer."""
    aim = f"What I want to know in the end: {question}\n    " if question else ""
    return f"""
    Get to know this Mixpanel project and tell me what it can answer.
    {aim}
    1. inspect_workspace: the project, what is left of the budget, which tables are here.
    2. inspect_events, then query_event_counts of the most telling events over the last 30 days, to
       see what is alive and what is not.
    3. inspect_properties of the two or three events that matter most; inspect_values where the
       spelling of a value matters.
    4. fetch_events of the last 14 days, unless inspect_tables shows them; then inspect_schema and a
       few query_sql: events per day, users per day, the share of each event.

    Then write one page: the events in groups with what they mean, their volume, the properties
    worth a breakdown, what looks broken (silent days, properties that changed their type), and five
    questions that this data can answer. Say which days your numbers cover. Use at most 6 queries of
    Mixpanel's budget.
    """
