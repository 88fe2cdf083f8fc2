"""The prompt review_funnel."""

from typing import Annotated

from mp_mcp.prompt import prompt


@prompt
def review_funnel(
    funnel: Annotated[str, "Name or id of a saved funnel, or its steps: Signup, Purchase"] = "",
    period: Annotated[str, "The days to look at, e.g. last month"] = "",
) -> str:
    """Review a funnel: where users are lost, which of them, and what would help most."""
    which = f"the funnel {funnel}" if funnel else "the most important saved funnel"
    when = period or "the last 30 days"
    return f"""
    Review {which} over {when}.

    1. inspect_funnels: is it saved? Then query_funnel, with unit="week" for its course, and once
       more with on= for the property that matters most (save_as keeps the answers).
    2. If it is not saved, or to look inside: fetch_events of these days, and build the steps in
       query_sql: the first time of each step per user, in order, within a window that you name.
    3. Where are most users lost, in numbers of users? Is that new, or was it always so?
    4. Who is lost there: which country, platform, plan, version? How long do those who pass take?
    5. What do those do instead who do not pass (their next event)?

    Answer with a table of the steps (users, share of the step before, median time), the one step
    worth work, for whom, and what you would try. Say what the numbers do not show.
    """
