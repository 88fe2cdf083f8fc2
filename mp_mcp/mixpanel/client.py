"""The handles of Mixpanel: what a tool may ask, and what its answer says about the asking.

Never knows an endpoint (each has a function in a module of its family beside this one), never
imports an HTTP library, and never touches the database.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from mp_mcp.mixpanel.cache import AnswerCache
from mp_mcp.mixpanel.models import Target
from mp_mcp.mixpanel.transport import Family, Params, Question, Transport
from mp_mcp.mixpanel.zones import Zones, clock_of
from mp_mcp.results import Result
from mp_mcp.tool import Flag, Handle, Parameter

FRESH = Parameter(
    "fresh",
    Annotated[bool, Flag("--fresh"), Field(description="Use no cached answer")],
    default=False,
)


class Mixpanel(Handle):
    """Lent to tools that ask Mixpanel for reports, in the name of one account and project.

    Answers may come from the cache; the result then says since when.
    """

    asks_mixpanel: ClassVar[bool] = True
    options: ClassVar[tuple[Parameter, ...]] = (FRESH,)

    def __init__(
        self,
        transport: Transport,
        *,
        cache: AnswerCache | None = None,
        zones: Zones | None = None,
        fresh: bool = False,
    ) -> None:
        self._transport = transport
        self._cache = cache
        self._zones = zones
        self._fresh = fresh
        self._cached_at: str | None = None
        self._zone: str | None = None

    @property
    def target(self) -> Target:
        """In whose name, and about which project."""
        return self._transport.target

    async def get(
        self,
        family: Family,
        path: str,
        params: Params,
        *,
        keep_s: float,
        zoned: bool = False,
        aside: bool = False,
    ) -> Any:
        """The decoded answer of a GET; it may be given again for `keep_s` seconds.

        `zoned` answers have days of the project's time zone: the tool's result will name it.
        The age of one `aside`, like the name of a report, says nothing about the result's numbers.
        """
        question = Question("GET", family, path, params)
        if not zoned or self._zones is None:
            return await self._answer(question, keep_s, aside=aside)
        zone = self._zones.ask(self._transport)
        answer = await self._answer(question, keep_s)
        self._zone = await self._zones.found(zone)
        return answer

    async def post(self, family: Family, path: str, form: Params, *, keep_s: float) -> Any:
        """The decoded answer of a read whose parameters travel in the body, as a form."""
        return await self._answer(Question("POST", family, path, form), keep_s)

    async def today(self) -> date:
        """The project's day; that of UTC as long as its zone is not known."""
        zone = None
        if self._zones is not None:
            zone = await self._zones.found(self._zones.ask(self._transport))
        return datetime.now(clock_of(zone)).date()

    async def fact(self, name: str) -> Any:
        """What was found out about this project before; None when nothing was, or all is asked."""
        if self._cache is None or self._fresh:
            return None
        return await self._cache.fact(self.target, name)

    async def keep_fact(self, name: str, value: Any, keep_s: float) -> None:
        """Remember something about this project for so many seconds."""
        if self._cache is not None:
            await self._cache.keep_fact(self.target, name, value, keep_s)

    def complete(self, answer: BaseModel) -> None:
        """Say how old the answer is, and in which zone its days are."""
        if isinstance(answer, Result):
            answer.cached_at = self._cached_at
            answer.time_zone = answer.time_zone or self._zone

    async def _answer(self, question: Question, keep_s: float, *, aside: bool = False) -> Any:
        if self._cache is None:
            return await self._transport.ask(question)
        found = await self._cache.ask(self._transport, question, keep_s, fresh=self._fresh)
        if found.cached_at is not None and not aside:
            # Of several answers the oldest counts; the texts sort like the times.
            self._cached_at = min(self._cached_at or found.cached_at, found.cached_at)
        return found.value


class MixpanelExport(Handle):
    """Lent to tools that download raw data: never from a cache, always as it is now."""

    asks_mixpanel: ClassVar[bool] = True

    def __init__(
        self,
        transport: Transport,
        *,
        zones: Zones | None = None,
        exports_left: Callable[[], int] | None = None,
    ) -> None:
        self.transport = transport
        self._zones = zones
        self._exports_left = exports_left

    def exports_left(self) -> int | None:
        """How many exports the project may still ask for in this hour; None when nobody counts."""
        return self._exports_left() if self._exports_left is not None else None

    async def zone(self) -> str | None:
        """The project's time zone by name, e.g. `Europe/Lisbon`; None while it is not known."""
        if self._zones is None:
            return None
        return await self._zones.found(self._zones.ask(self.transport))


class MixpanelLogin(Handle):
    """Lent to the tool that checks credentials; unlike Mixpanel it needs no project."""

    asks_mixpanel: ClassVar[bool] = True

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
