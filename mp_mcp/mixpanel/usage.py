"""What a project has used of its budgets, as numbers and in words.

Never counts anything itself: `budget.py` does.
"""

from collections.abc import Mapping
from typing import NamedTuple

from mp_mcp.mixpanel.costs import Kind

WORDS: Mapping[Kind, tuple[str, str]] = {
    "query": ("queries", "in this rolling hour"),
    "jql": ("JQL queries", "in this rolling hour"),
    "export": ("exports", "in this rolling hour"),
    "lexicon": ("Lexicon requests", "in this rolling minute"),
}


class Usage(NamedTuple):
    """One budget of a project now; `next_free_s` is None while nothing is spent."""

    kind: Kind
    used: int
    limit: int
    window_s: float
    running: int
    at_once: int | None
    next_free_s: float | None

    def sentence(self) -> str:
        """It in words: used, limit, and when the next unit frees if one has to wait for it."""
        what, span = WORDS[self.kind]
        told = f"{self.used} of {self.limit} {what} are used {span}"
        if self.next_free_s is None or self.used < self.limit:
            return told + "."
        return f"{told}; the next one frees in {spoken(self.next_free_s)}."


def advice(kind: Kind) -> str:
    """Who else spends this budget, and what costs nothing instead."""
    shared = "Everybody who asks this project shares it."
    if kind == "lexicon":
        return shared
    return f"{shared} Events that are fetched cost nothing to ask: use query_sql."


def spoken(seconds: float) -> str:
    """A time to wait, for people."""
    whole = max(1, round(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h {whole % 3600 // 60} min"
