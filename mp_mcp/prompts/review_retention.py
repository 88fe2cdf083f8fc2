"""The prompt review_retention."""

from typing import Annotated

from mp_mcp.prompt import prompt


@prompt
def review_retention(
    born: Annotated[str, "Event that makes somebody a user, e.g. Signup"],
    return_event: Annotated[str, "Event that counts as coming back; default: any"] = "",
    period: Annotated[str, "When they became users, e.g. the last 8 weeks"] = "",
) -> str:
    """Review retention: do users stay, does it get better, and what do those do who stay."""
    back = f"comes back with {return_event!r}" if return_event else "comes back with any event"
    when = period or "the last 8 weeks"
    return f"""
    Review retention: who does {born!r} in {when} and {back} later.

    1. query_retention with unit="week", save_as="retention": periods that are not over are null,
       leave them out of every mean.
    2. query_sql on that table: the curve over all cohorts, weighted by their users; then the same
       for the older and the younger half. Is it getting better or worse?
    3. Where does the curve flatten? What share stays for good?
    4. fetch_events of these days, if they are not here. Which first-week behaviour separates those
       who stay from those who leave: which events, how many days active, which plan or country?
       Compare shares, and mind groups of less than 30 users.
    5. query_frequency: how many days a week are those active who stay?

    Answer with the curve, its trend, the behaviour that goes with staying (say that this is not
    yet a cause), and one experiment that would tell.
    """
