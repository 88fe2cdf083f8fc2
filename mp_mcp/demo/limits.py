"""Mixpanel's rate limits: rolling windows and a number at once, per project.

Never sleeps and never reads a clock of its own: time is passed in.
"""

import math
from bisect import insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
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
ORGANIZATION_ID = "77"
"""All demo projects are in one organization, and schemas are limited per organization."""

Bucket = tuple[str, str]
"""An API, and the project or organization that shares its quota."""


@dataclass
class Quota:
    """How much one API allows at once and in each rolling window; None is unlimited."""

    per_hour: int | None = 60
    concurrent: int | None = 5
    per_minute: int | None = None
    per_second: int | None = None

    def windows(self) -> Iterator[tuple[float, int]]:
        """The limited windows: their seconds, and how many requests fit."""
        limits = ((HOUR, self.per_hour), (60.0, self.per_minute), (1.0, self.per_second))
        return ((seconds, most) for seconds, most in limits if most is not None)


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
    """One admitted request; `counts` says whether it costs a unit."""

    buckets: tuple[Bucket, ...]
    started: float
    counts: bool


class Limits:
    """The quotas and what is used of them."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._usage: defaultdict[Bucket, _Usage] = defaultdict(_Usage)
        self.quotas = {
            "query": Quota(),
            "jql": Quota(),
            "export": Quota(concurrent=100, per_second=3),
            "lexicon": Quota(per_hour=None, concurrent=None, per_minute=5),
        }

    def admit(self, api: str, project_id: str, *, counts: bool, enforced: bool) -> Ticket | Refusal:
        """A ticket to give back with `done`, or the refusal; a refused request costs nothing."""
        buckets = buckets_of(api, project_id)
        now = self._clock()
        for bucket in buckets:
            self._forget(bucket, now)
            if enforced and (refusal := self._refusal(bucket, now, counts)):
                return refusal
        for usage in (self._usage[bucket] for bucket in buckets):
            usage.running += 1
            if counts:
                usage.started.append(now)
        return Ticket(buckets, now, counts)

    def done(self, ticket: Ticket, status: int) -> None:
        """The request has ended; some statuses give the unit back."""
        for usage in (self._usage[bucket] for bucket in ticket.buckets):
            usage.running -= 1
            if ticket.counts and status in UNCOUNTED_STATUSES and ticket.started in usage.started:
                usage.started.remove(ticket.started)

    def spend(self, api: str, project_id: str, count: int, ago: float = 0.0) -> None:
        """Other people of the project used units, `ago` seconds before now."""
        moment = self._clock() - ago
        for bucket in buckets_of(api, project_id):
            for _ in range(count):
                insort(self._usage[bucket].started, moment)

    def used(self) -> dict[str, dict[str, int]]:
        """Units used in the last hour: project or organization, then API."""
        table: dict[str, dict[str, int]] = {}
        for (api, owner), usage in self._usage.items():
            self._forget((api, owner), self._clock())
            table.setdefault(owner, {})[api] = len(usage.started)
        return table

    def in_flight(self, api: str, project_id: str) -> int:
        """How many requests are running, JQL among the queries."""
        return self._usage[buckets_of(api, project_id)[-1]].running

    def headers(self, project_id: str) -> dict[str, str]:
        """What an admitted query is told about the quota that is left."""
        usage, quota = self._usage["query", project_id], self.quotas["query"]
        started = usage.started
        reset = math.ceil(started[0] + HOUR - self._clock()) if started else int(HOUR)
        return _rate_headers(
            quota,
            f"r={_left(quota.per_hour, len(started))};t={reset}",
            f"r={_left(quota.concurrent, usage.running)}",
        )

    def _forget(self, bucket: Bucket, now: float) -> None:
        started = self._usage[bucket].started
        while started and started[0] <= now - HOUR:
            started.popleft()

    def _refusal(self, bucket: Bucket, now: float, counts: bool) -> Refusal | None:
        quota, usage = self.quotas[bucket[0]], self._usage[bucket]
        for seconds, most in quota.windows() if counts else ():
            recent = [moment for moment in usage.started if moment > now - seconds]
            if len(recent) >= most:
                # So many have to leave the window before one fits in again.
                first = recent[len(recent) - most] if most else now
                wait = max(1, math.ceil(first + seconds - now))
                return _over_window(bucket, quota, usage, wait)
        if quota.concurrent is not None and usage.running >= quota.concurrent:
            return _over_concurrency(bucket, quota, usage)
        return None


def buckets_of(api: str, project_id: str) -> tuple[Bucket, ...]:
    """Whose quotas a request needs room in; JQL has its own beside that of all queries."""
    if api == "lexicon":
        return (("lexicon", ORGANIZATION_ID),)
    own = ((api, project_id),)
    return (*own, ("query", project_id)) if api == "jql" else own


def _left(most: int | None, used: int) -> int:
    return max(0, (most or 0) - used)


def _rate_headers(quota: Quota, hour: str, concurrency: str) -> dict[str, str]:
    policy = (
        f'"project";q={quota.per_hour};w={int(HOUR)}, '
        f'"project-concurrency";q={quota.concurrent};qu="concurrent-requests"'
    )
    state = f'"project";{hour}, "project-concurrency";{concurrency}'
    return {"RateLimit-Policy": policy, "RateLimit": state}


def _text(project_id: str, count: str) -> str:
    return (
        f"Query rate limit exceeded for project_id: {project_id}. "
        f"This request exceeded the rate limit ({count}). Please try again later."
    )


def _over_window(bucket: Bucket, quota: Quota, usage: _Usage, wait: int) -> Refusal:
    api, owner = bucket
    if api not in ("query", "jql"):
        return Refusal(f"{api} rate limit exceeded for this project", wait)
    used = len(usage.started)
    count = f"{used + 1}/{quota.per_hour} queries running in the last hour"
    free = f"r={_left(quota.concurrent, usage.running)}"
    return Refusal(_text(owner, count), wait, _rate_headers(quota, f"r=0;t={wait}", free))


def _over_concurrency(bucket: Bucket, quota: Quota, usage: _Usage) -> Refusal:
    api, owner = bucket
    if api not in ("query", "jql"):
        return Refusal(f"too many {api} requests in progress for this project", 5)
    count = f"{usage.running + 1}/{quota.concurrent} queries running concurrently"
    left = f"r={_left(quota.per_hour, len(usage.started))}"
    return Refusal(_text(owner, count), 10, _rate_headers(quota, left, "r=0;t=10"))


def load_shed_text(project_id: str) -> str:
    """The error of an overloaded server: no counts, and its answer has no rate headers."""
    return f"Query rate limit exceeded for project_id: {project_id}. Please try again later."
