"""`POST query/engage`: profiles, page by page.

Never caches (it takes the handle of downloads), never reads a property, and never calls a crawl
complete that lost a page.
"""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import anyio
from pydantic import BaseModel, ConfigDict, InstanceOf, TypeAdapter

from mp_mcp.error_groups import leading_error
from mp_mcp.errors import MixpanelError, MixpanelUnavailableError, UsageError
from mp_mcp.mixpanel.answers import read, unexpected
from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.mixpanel.expressions import json_list
from mp_mcp.mixpanel.profile_text import Profile, page_of
from mp_mcp.mixpanel.transport import Params, Question, Transport

MOST_IDS = 2000
PAGES_AT_ONCE = 5

_WHAT = "profiles"
_FORGOTTEN = "uncached query"
_AGAIN = "Fetch them again: this is no complete answer."


class ProfilePage(NamedTuple):
    """Some profiles, in Mixpanel's order; `total` is the number of all, when Mixpanel tells it."""

    number: int
    profiles: list[Profile]
    total: int | None


Take = Callable[[ProfilePage], Awaitable[None]]
"""Gets one page; with several pages under way it is called by several tasks at a time."""


@dataclass(frozen=True)
class Selection:
    """Which profiles, and what of them; the default is everything.

    `data_group_id` is the number of a group's key, and may be negative; `include_all_users` also
    gives members of the cohort that have no profile (Mixpanel does so unless told otherwise);
    `as_of_timestamp` is a Unix time, and now when it is left out.
    """

    where: str | None = None
    distinct_ids: tuple[str, ...] = ()
    output_properties: tuple[str, ...] = ()
    cohort_id: int | None = None
    include_all_users: bool | None = None
    data_group_id: int | None = None
    as_of_timestamp: int | None = None

    def __post_init__(self) -> None:
        if len(self.distinct_ids) > MOST_IDS:
            raise UsageError(
                f"Mixpanel takes at most {MOST_IDS} distinct ids at once, not "
                f"{len(self.distinct_ids)}.",
                hint="Ask for them in several calls, or with a filter.",
            )


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    results: list[InstanceOf[Profile]]
    page_size: int | None = None
    session_id: str | None = None
    total: int | None = None


_ANSWER = TypeAdapter(_Answer)


async def crawl_profiles(mixpanel: MixpanelExport, selection: Selection, take: Take) -> None:
    """Give every page to `take`, five fetched at a time. Costs one query: the first page counts.

    Pages come in any order, and the next are fetched while `take` has one.
    Raises: the error of the first page that fails, and MixpanelUnavailableError when pages are
    short of what Mixpanel counted, or come again; what was taken before is no complete answer.
    """
    transport = mixpanel.transport
    form = form_of(selection, int(time.time()))
    first = await _page(transport, form)
    crawl = _Crawl(first)
    await take(crawl.took(0, first))
    if crawl.has_more:
        if not first.session_id:
            raise unexpected(_WHAT)
        further = _Further(transport, {**form, "session_id": first.session_id}, crawl, take)
        del first
        if crawl.pages is None:
            await further.until_one_is_short()
        else:
            await further.side_by_side(crawl.pages)
    crawl.require_all()


class _Crawl:
    """What the pages say about all of them, and whether those that came are all."""

    def __init__(self, first: _Answer) -> None:
        here = len(first.results)
        # A number below what is there is no number of all.
        self._total = first.total if (first.total or 0) >= here else None
        self._stated = first.total
        self._seen = 0
        # Hashes, since the ids of millions of profiles would fill the memory.
        self._pages_seen: set[int] = set()
        self.size = first.page_size or here
        self.pages = None if self._total is None else -(-self._total // max(1, self.size))
        self.has_more = here > 0 and (here >= self.size if self.pages is None else self.pages > 1)

    def took(self, number: int, answer: _Answer) -> ProfilePage:
        """The page. Raises: MixpanelUnavailableError when it has been here before."""
        profiles = answer.results
        ids = hash(tuple(profile.distinct_id for profile in profiles))
        if profiles and ids in self._pages_seen:
            raise MixpanelUnavailableError("Mixpanel sends the same profiles again.", hint=_AGAIN)
        self._pages_seen.add(ids)
        self._seen += len(profiles)
        return ProfilePage(number, profiles, self._stated)

    def require_all(self) -> None:
        """Raises: MixpanelUnavailableError when there are fewer profiles than Mixpanel counts."""
        if self._total is not None and self._seen < self._total:
            raise MixpanelUnavailableError(
                f"Mixpanel counts {self._total:,} profiles, but its pages hold {self._seen:,}.",
                hint=_AGAIN,
            )


def form_of(selection: Selection, now: int) -> Params:
    """The parameters of the first page; all pages have to have the same."""
    ids, kept = selection.distinct_ids, selection.output_properties
    cohort, members = selection.cohort_id, selection.include_all_users
    return {
        "where": selection.where,
        "distinct_ids": json_list(ids) if ids else None,
        "output_properties": json_list(kept) if kept else None,
        "filter_by_cohort": None if cohort is None else json.dumps({"id": cohort}),
        "include_all_users": None if cohort is None or members is None else json.dumps(members),
        "data_group_id": selection.data_group_id,
        # Without it Mixpanel forgets the query before the second page.
        "as_of_timestamp": now if selection.as_of_timestamp is None else selection.as_of_timestamp,
    }


class _Further:
    """The pages after the first."""

    def __init__(self, transport: Transport, form: Params, crawl: _Crawl, take: Take) -> None:
        self._transport = transport
        self._form = form
        self._crawl = crawl
        self._take = take

    async def until_one_is_short(self) -> None:
        """One after another: without a total only the last page says that it is the last."""
        for number in count(1):
            if await self._fetch(number) < self._crawl.size:
                return

    async def side_by_side(self, pages: int) -> None:
        """As many pages as there are; who has delivered one fetches the next."""
        numbers = iter(range(1, pages))

        async def fetch_some() -> None:
            for number in numbers:
                await self._fetch(number)

        try:
            async with anyio.create_task_group() as tasks:
                for _ in range(PAGES_AT_ONCE):
                    tasks.start_soon(fetch_some)
        except BaseExceptionGroup as group:
            error = leading_error(group)
            raise error from error.__cause__

    async def _fetch(self, number: int) -> int:
        """Deliver the page; the number of its profiles."""
        try:
            answer = await _page(self._transport, {**self._form, "page": number})
        except MixpanelError as error:
            if _FORGOTTEN not in error.message:
                raise
            raise MixpanelUnavailableError(
                "Mixpanel forgot the query between two of its pages.", hint=_AGAIN
            ) from error
        await self._take(self._crawl.took(number, answer))
        return len(answer.results)


async def _page(transport: Transport, form: Params) -> _Answer:
    question = Question("POST", "query", "/engage", {"page": 0, **form})
    return read(_ANSWER, await transport.ask(question, page_of), _WHAT)
