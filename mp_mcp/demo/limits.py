"""Mixpanel's rate limits: a rolling hour, a second and a number at once, per project.

Never sleeps and never reads a clock of its own: time is passed in.
"""

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

COUNTED_QUERIES = frozenset(
    (
        *("arb_funnels", "cohorts", "correlate", "custom-query", "data_definitions", "engage"),
        *("events", "experiments", "flows", "formulas", "funnels", "impact", "insights"),
        *("metrics", "query", "integrations", "jql", "retention", "segmentation", "stream"),
        "trends",
    )
)
"""First path segments under the query prefix that cost a unit."""

HOUR = 3600.0
UNCOUNTED_STATUSES = (401, 402, 429)


@dataclass
class Quota:
    """How much one API allows a project."""

    per_hour: int = 60
    concurrent: int = 5
    per_second: int | None = None


@dataclass(frozen=True)
class Refusal:
    """A 429: which limit tripped, and what the answer says about it."""

    message: str
    retry_after: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class _Usage:
    started: deque[float] = field(default_factory=deque)
    running: int = 0


@dataclass(frozen=True)
class Ticket:
    """One admitted request; `counts` says whether it costs a unit of the hour."""

    api: str
    project_id: str
    started: float
    counts: bool


class Limits:
    """The quotas and what is used of them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._usage: defaultdict[tuple[str, str], _Usage] = defaultdict(_Usage)
        self.quotas = {"query": Quota(), "export": Quota(concurrent=100, per_second=3)}

    def admit(self, api: str, project_id: str, *, counts: bool, enforced: bool) -> Ticket | Refusal:
        """A ticket to give back with `done`, or the refusal; a refused request costs nothing."""
        usage = self._usage[api, project_id]
        now = self._clock()
        while usage.started and usage.started[0] <= now - HOUR:
            usage.started.popleft()
        if enforced and (refusal := self._refusal(api, project_id, usage, now, counts)):
            return refusal
        usage.running += 1
        if counts:
            usage.started.append(now)
        return Ticket(api, project_id, now, counts)

    def done(self, ticket: Ticket, status: int) -> None:
        """The request has ended; some statuses give the unit back."""
        usage = self._usage[ticket.api, ticket.project_id]
        usage.running -= 1
        if ticket.counts and status in UNCOUNTED_STATUSES and ticket.started in usage.started:
            usage.started.remove(ticket.started)

    def used(self) -> dict[str, dict[str, int]]:
        """Units used in the last hour: project, then API."""
        table: dict[str, dict[str, int]] = {}
        for (api, project_id), usage in self._usage.items():
            table.setdefault(project_id, {})[api] = len(usage.started)
        return table

    def _refusal(
        self, api: str, project_id: str, usage: _Usage, now: float, counts: bool
    ) -> Refusal | None:
        quota = self.quotas[api]
        used = len(usage.started)
        if counts and used >= quota.per_hour:
            wait = math.ceil(usage.started[0] + HOUR - now) if usage.started else int(HOUR)
            if api == "export":
                return Refusal("export rate limit exceeded for this project", wait)
            return _query_refusal(quota, project_id, used, usage.running, wait)
        if usage.running >= quota.concurrent:
            if api == "export":
                return Refusal("too many export requests in progress for this project", 5)
            return _concurrency_refusal(quota, project_id, used, usage.running)
        recent = sum(1 for moment in usage.started if moment > now - 1)
        if quota.per_second is not None and recent >= quota.per_second:
            return Refusal("export rate limit exceeded for this project", 1)
        return None


def _policy(quota: Quota) -> str:
    return (
        f'"project";q={quota.per_hour};w={int(HOUR)}, '
        f'"project-concurrency";q={quota.concurrent};qu="concurrent-requests"'
    )


def _text(project_id: str, count: str) -> str:
    return (
        f"Query rate limit exceeded for project_id: {project_id}. "
        f"This request exceeded the rate limit ({count}). Please try again later."
    )


def _query_refusal(quota: Quota, project_id: str, used: int, running: int, wait: int) -> Refusal:
    count = f"{used + 1}/{quota.per_hour} queries running in the last hour"
    free = max(0, quota.concurrent - running)
    state = f'"project";r=0;t={wait}, "project-concurrency";r={free}'
    headers = {"RateLimit-Policy": _policy(quota), "RateLimit": state}
    return Refusal(_text(project_id, count), wait, headers)


def _concurrency_refusal(quota: Quota, project_id: str, used: int, running: int) -> Refusal:
    count = f"{running + 1}/{quota.concurrent} queries running concurrently"
    left = max(0, quota.per_hour - used)
    state = f'"project";r={left}, "project-concurrency";r=0;t=10'
    headers = {"RateLimit-Policy": _policy(quota), "RateLimit": state}
    return Refusal(_text(project_id, count), 10, headers)


def load_shed_text(project_id: str) -> str:
    """The error of an overloaded server: no counts, and its answer has no rate headers."""
    return f"Query rate limit exceeded for project_id: {project_id}. Please try again later."
