"""Answers of Mixpanel that may be given again, and questions that several clients ask at once.

Never gives an answer to other credentials than those that asked for it, never keeps a failure, and
never lets one client that goes away end the question of another.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time
import zlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mp_mcp.mixpanel.models import Target
from mp_mcp.mixpanel.offload import in_thread_if_large
from mp_mcp.mixpanel.transport import Question, Transport
from mp_mcp.state import State

logger = logging.getLogger(__name__)

MOST_BYTES = 200_000_000
"""Compressed answers that are kept in all; the ones that were asked first go first."""

MOST_BYTES_OF_ONE = 20_000_000


class Answer(NamedTuple):
    """A decoded answer, shared: nobody may change it. `cached_at` is a UTC time, None if fresh."""

    value: Any
    cached_at: str | None


class AnswerCache:
    """The answers in state.db, and the questions under way; one for the whole process."""

    def __init__(
        self,
        state: State,
        clock: Callable[[], float] = time.time,
        *,
        most_bytes: int = MOST_BYTES,
        most_bytes_of_one: int = MOST_BYTES_OF_ONE,
    ) -> None:
        self._state = state
        self._clock = clock
        self._most_bytes = most_bytes
        self._most_bytes_of_one = most_bytes_of_one
        self._flights = _Flights()

    async def ask(
        self, transport: Transport, question: Question, keep_s: float, *, fresh: bool = False
    ) -> Answer:
        """The kept answer, or else Mixpanel's, which is then kept for `keep_s` seconds.

        Raises: what the transport raises.
        """
        key = self.key_of(transport.target, question)
        if not fresh and keep_s > 0 and (found := await self._kept(key)) is not None:
            return found

        async def asked() -> Any:
            value = await transport.ask(question)
            if keep_s > 0:
                await self._keep(key, value, keep_s)
            return value

        # An answer that is on its way is fresh enough for everybody.
        return Answer(await self._flights.join(key, asked), None)

    def key_of(self, target: Target, question: Question) -> str:
        """A name for a question of an account; it reveals nothing of the credentials."""
        who = hmac.digest(self._state.salt, target.credentials.authorization.encode(), "sha256")
        params = {name: value for name, value in question.params.items() if value is not None}
        asked = [question.method, question.family, question.path, sorted(params.items())]
        place = [target.base_url or target.region, target.project_id, target.workspace_id]
        return hashlib.sha256(json.dumps([place, who.hex(), asked]).encode()).hexdigest()

    async def fact(self, target: Target, name: str) -> Any:
        """What was found out about a target and kept by `keep_fact`; None when nothing was."""
        found = await self._kept(self.key_of(target, _fact(name)))
        return found.value if found else None

    async def keep_fact(self, target: Target, name: str, value: Any, keep_s: float) -> None:
        """Keep something that was found out, for the same eyes as its answers."""
        await self._keep(self.key_of(target, _fact(name)), value, keep_s)

    async def close(self) -> None:
        """End the questions that nobody waits for any more."""
        await self._flights.close()

    async def _kept(self, key: str) -> Answer | None:
        now = self._clock()
        found = self._state.rows(
            "SELECT asked, body FROM answer WHERE key = ? AND asked <= ? AND expires > ?",
            key,
            now,
            now,
        )
        if not found:
            return None
        asked, body = found[0]
        try:
            value = await in_thread_if_large(_unpacked, body)
        except (zlib.error, ValueError):
            self._state.change("DELETE FROM answer WHERE key = ?", key)
            return None
        return Answer(value, datetime.fromtimestamp(asked, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    async def _keep(self, key: str, value: Any, keep_s: float) -> None:
        # How large it is shows only when it is packed.
        body = await asyncio.to_thread(_packed, value)
        if len(body) > self._most_bytes_of_one:
            return
        now = self._clock()
        self._state.change("DELETE FROM answer WHERE expires <= ? OR asked > ?", now, now)
        self._state.change(
            "INSERT OR REPLACE INTO answer (key, asked, expires, bytes, body) "
            "VALUES (?, ?, ?, ?, ?)",
            key,
            now,
            now + keep_s,
            len(body),
            body,
        )
        self._shrink()

    def _shrink(self) -> None:
        total = self._state.rows("SELECT coalesce(sum(bytes), 0) FROM answer")[0][0]
        while total > self._most_bytes:
            key, size = self._state.rows("SELECT key, bytes FROM answer ORDER BY asked LIMIT 1")[0]
            self._state.change("DELETE FROM answer WHERE key = ?", key)
            total -= size


class _Flight:
    def __init__(self, task: "asyncio.Task[Any]") -> None:
        self.task = task
        self.waiting = 0


class _Flights:
    """Questions under way, each asked once however many wait for it."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}

    async def join(self, key: str, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer of the flight with this key; the last one who gives up ends it."""
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(ask()))
            flight.task.add_done_callback(lambda _: self._landed(key, flight))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                # At once: who asks the same now must not join what is being ended.
                self._landed(key, flight)
                flight.task.cancel()

    async def close(self) -> None:
        """End all of them."""
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _landed(self, key: str, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if flight.task.done() and not flight.task.cancelled():
            flight.task.exception()  # looked at: asyncio would complain when nobody waits


def _fact(name: str) -> Question:
    """Facts are kept like answers, under a path that Mixpanel does not have."""
    return Question("GET", "app", f"#{name}", {})


def _packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"), 1)


def _unpacked(body: bytes) -> Any:
    return json.loads(zlib.decompress(body).decode("utf-8", "surrogatepass"))
