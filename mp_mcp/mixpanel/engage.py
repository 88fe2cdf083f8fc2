"""`POST query/engage`: profiles, page by page.

Never caches (it takes the handle of downloads), and never calls a crawl complete that lost a page.
"""

import json
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NamedTuple

import anyio
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from mp_mcp.error_groups import leading_error
from mp_mcp.errors import MixpanelUnavailableError, UsageError
from mp_mcp.mixpanel.answers import read, unexpected
from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.mixpanel.expressions import json_list
from mp_mcp.mixpanel.transport import Params, Question, Transport

MOST_IDS = 2000
PAGES_AT_ONCE = 5

_WHAT = "profiles"
_AGAIN = "Fetch them again: this is no complete answer."


class Profile(NamedTuple):
    """A user or a group; the properties are as Mixpanel sends them."""

    distinct_id: str
    properties: dict[str, Any]


class ProfilePage(NamedTuple):
    """Some profiles, in Mixpanel's order; `total` is the number of all, when Mixpanel tells it."""

    number: int
    profiles: list[Profile]
    total: int | None


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


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    distinct_id: str = Field(alias="$distinct_id")
    properties: dict[str, Any] | None = Field(default=None, alias="$properties")


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    results: list[_Entry]
    page_size: int | None = None
    session_id: str | None = None
    total: int | None = None


_ANSWER = TypeAdapter(_Answer)


async def profile_pages(
    mixpanel: MixpanelExport, selection: Selection
) -> AsyncGenerator[ProfilePage, None]:
    """Pages in order, fetched ahead five at a time. Costs one query: only the first page counts.

    Raises: the error of the first page that fails, and MixpanelUnavailableError when pages are
    short of what Mixpanel counted, or come again; the pages before it are no complete answer.
    """
    transport = mixpanel.transport
    form = form_of(selection, int(time.time()))
    first = await _page(transport, form)
    crawl = _Crawl(first)
    yield crawl.took(0, first)
    if crawl.has_more:
        if not first.session_id:
            raise unexpected(_WHAT)
        form = {**form, "session_id": first.session_id}
        rest = (
            _sequential(transport, form, crawl.size)
            if crawl.pages is None
            else _ahead(transport, form, crawl.pages)
        )
        async with aclosing(rest) as answers:
            async for number, answer in answers:
                yield crawl.took(number, answer)
    crawl.require_all()


class _Crawl:
    """What the pages say about all of them, and whether those that came are all."""

    def __init__(self, first: _Answer) -> None:
        count = len(first.results)
        # A number below what is there is no number of all.
        self._total = first.total if (first.total or 0) >= count else None
        self._stated = first.total
        self._seen = 0
        # Hashes, since the ids of millions of profiles would fill the memory.
        self._pages_seen: set[int] = set()
        self.size = first.page_size or count
        self.pages = None if self._total is None else -(-self._total // max(1, self.size))
        self.has_more = count > 0 and (count >= self.size if self.pages is None else self.pages > 1)

    def took(self, number: int, answer: _Answer) -> ProfilePage:
        """The page. Raises: MixpanelUnavailableError when it has been here before."""
        profiles = [Profile(entry.distinct_id, entry.properties or {}) for entry in answer.results]
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


async def _sequential(
    transport: Transport, form: Params, size: int
) -> AsyncGenerator[tuple[int, _Answer], None]:
    """Pages until one is not full."""
    number = 1
    while True:
        answer = await _page(transport, {**form, "page": number})
        yield number, answer
        if len(answer.results) < size:
            return
        number += 1


async def _ahead(
    transport: Transport, form: Params, pages: int
) -> AsyncGenerator[tuple[int, _Answer], None]:
    """As many pages as there are, some at a time."""
    for start in range(1, pages, PAGES_AT_ONCE):
        numbers = range(start, min(start + PAGES_AT_ONCE, pages))
        # No task may be left open while the reader has a page: it may never come back.
        for number, answer in zip(numbers, await _together(transport, form, numbers), strict=True):
            yield number, answer


async def _together(transport: Transport, form: Params, numbers: Sequence[int]) -> list[_Answer]:
    answers: dict[int, _Answer] = {}

    async def fetch(number: int) -> None:
        answers[number] = await _page(transport, {**form, "page": number})

    try:
        async with anyio.create_task_group() as tasks:
            for number in numbers:
                tasks.start_soon(fetch, number)
    except BaseExceptionGroup as group:
        error = leading_error(group)
        raise error from error.__cause__
    return [answers[number] for number in numbers]


async def _page(transport: Transport, form: Params) -> _Answer:
    question = Question("POST", "query", "/engage", {"page": 0, **form})
    return read(_ANSWER, await transport.ask(question), _WHAT)
