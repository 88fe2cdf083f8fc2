"""What a question costs: of which budget it takes a unit, a place, or both.

Never counts anything (`budget.py` does): these are Mixpanel's rules about single requests.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from mp_mcp.mixpanel.transport import Question

Kind = Literal["query", "jql", "export", "lexicon"]


class Quota(NamedTuple):
    """Mixpanel's published limits of one budget; a project may have been granted others.

    `window_s` rolls: each unit comes back so many seconds after it was spent.
    """

    per_window: int
    window_s: float
    at_once: int | None = None
    per_second: int | None = None


QUOTAS: Mapping[Kind, Quota] = {
    "query": Quota(60, 3600.0, at_once=5),
    "jql": Quota(60, 3600.0, at_once=5),
    "export": Quota(60, 3600.0, at_once=100, per_second=3),
    "lexicon": Quota(5, 60.0),
}

COUNTED_QUERIES = frozenset(
    (
        *("arb_funnels", "cohorts", "correlate", "custom-query", "data_definitions", "engage"),
        *("events", "experiments", "flows", "formulas", "funnels", "impact", "insights"),
        *("integrations", "jql", "metrics", "query", "retention", "segmentation", "stream"),
        "trends",
    )
)
"""First words of the query paths that Mixpanel counts."""

UNCOUNTED_STATUSES = frozenset((401, 402, 429))
"""Refusals that give the unit back."""


class Cost(NamedTuple):
    """Budgets that a request takes a place of, and whether it takes a unit of their window too."""

    kinds: tuple[Kind, ...]
    counts: bool = True


FREE = Cost(())


def cost_of(question: Question) -> Cost:
    """The cost of one attempt; repeating a request costs again."""
    if question.family == "export":
        return Cost(("export",))
    words = question.path.strip("/").split("/")
    if question.family == "app":
        return Cost(("lexicon",)) if "schemas" in words else FREE
    if words[0] not in COUNTED_QUERIES:
        return FREE
    if words[0] == "jql":
        # Its own budget, in addition to that of all queries.
        return Cost(("jql", "query"))
    is_further_page = words == ["engage"] and bool(question.params.get("session_id"))
    return Cost(("query",), counts=not is_further_page and words != ["engage", "aliases"])
