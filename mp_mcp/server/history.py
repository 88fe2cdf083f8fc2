"""Who called what, when, at what cost: the history of calls in state.db, and who follows it live.

Never fails a call and never makes one wait: a call is noted in memory and written a moment later;
what cannot be written is lost, and the log says so. It keeps no secret: arguments come masked.
"""

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from mp_mcp.errors import MpError
from mp_mcp.history import AGENTS, HUMAN, Entry, Wanted
from mp_mcp.server.calls import Call, rows_of
from mp_mcp.server.running_job import Running
from mp_mcp.state import State

logger = logging.getLogger(__name__)

MOST_CALLS = 10_000
MOST_BYTES = 20_000_000
"""Of arguments, in all; the oldest calls go first."""

LONGEST_TEXT = 20_000
LONGEST_ARGUMENTS = 100_000
TRIM_EVERY = 200
WRITTEN_AT_ONCE = (64, 8, 1)
"""A few sizes: SQLite keeps the compiled INSERT of each, 2 KB per call in it."""

WRITTEN_AFTER_S = 0.05
MOST_LISTED = 1000

_FIELDS = tuple(Entry.__annotations__)
_FLAGS = frozenset(("is_human", "is_exact", "cached"))


class History:
    """The calls of all clients. Every method is for the event loop's thread."""

    def __init__(
        self, open_state: Callable[[], State], keep_days: float, *, most_calls: int = MOST_CALLS
    ) -> None:
        self._open_state = open_state
        self._keep_s = keep_days * 86_400
        self._most_calls = most_calls
        self._next: int | None = None
        self._untrimmed = TRIM_EVERY
        self._unwritten: list[Entry] = []
        self._followers: set[MemoryObjectSendStream[Entry]] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def latest(self) -> int | None:
        """The id of the call that began last in this process."""
        return self._next

    def next_number(self) -> int:
        """The id of a call that begins now; ids go on after a restart."""
        if self._next is None:
            found = self._rows("SELECT coalesce(max(id), 0) FROM call")
            self._next = found[0][0] if found else 0
        self._next += 1
        return self._next

    def record(self, call: Call) -> None:
        """Note a call that has ended."""
        entry = _entry(call)
        self._unwritten.append(entry)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITTEN_AFTER_S, self.write)
        self._tell(entry)

    def job_ended(self, job: Running) -> None:
        """Note how a job ended that outlived the call which began it."""
        self.write()
        record = job.record
        outcome = "ok" if record.state == "done" else str(record.state)
        if record.state == "failed":
            outcome = str((record.error or {}).get("code", "failed"))
        self._change(
            "UPDATE call SET outcome = ?, message = ?, rows = ?, units = units + ?, seconds = ?"
            " WHERE job = ?",
            *(outcome, (record.error or {}).get("message"), rows_of(record.result or {})),
            *(job.tally.units, (record.ended or time.time()) - record.started, record.id),
        )
        for row in self._rows(f"SELECT {', '.join(_FIELDS)} FROM call WHERE job = ?", record.id):  # noqa: S608
            self._tell(_read(row))

    def entries(self, wanted: Wanted) -> list[Entry]:
        """The latest calls that are wanted, newest first."""
        self.write()
        conditions, values = _conditions(wanted)
        sql = f"SELECT {', '.join(_FIELDS)} FROM call WHERE {' AND '.join(conditions)}"  # noqa: S608
        limit = max(1, min(wanted.limit, MOST_LISTED))
        rows = self._rows(f"{sql} ORDER BY id DESC LIMIT ?", *values, limit)
        return [_read(row) for row in rows]

    @contextmanager
    def follow(self) -> Iterator[MemoryObjectReceiveStream[Entry]]:
        """The calls that end from now on; who does not listen for long misses some."""
        send, receive = anyio.create_memory_object_stream[Entry](1000)
        self._followers.add(send)
        try:
            with send, receive:
                yield receive
        finally:
            self._followers.discard(send)

    def write(self) -> None:
        """Put on disk what was noted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        entries, self._unwritten = self._unwritten, []
        for some in _batches(entries):
            self._insert(some)
            self._untrimmed += len(some)
            if self._untrimmed >= TRIM_EVERY:
                self._untrimmed = 0
                self._trim()

    def _insert(self, entries: Sequence[Entry]) -> None:
        values: list[Any] = []
        for entry in entries:
            stored = [_stored(name, getattr(entry, name)) for name in _FIELDS]
            values += [*stored, sum(len(v) for v in stored if isinstance(v, str))]
        places = f"({', '.join('?' * (len(_FIELDS) + 1))})"
        self._change(
            f"INSERT OR REPLACE INTO call ({', '.join(_FIELDS)}, bytes)"  # noqa: S608
            f" VALUES {', '.join([places] * len(entries))}",
            *values,
        )

    def _trim(self) -> None:
        """Forget what is too old or too much."""
        self._change("DELETE FROM call WHERE at < ?", time.time() - self._keep_s)
        self._change(
            "DELETE FROM call WHERE id <= (SELECT max(id) FROM call) - ?", self._most_calls
        )
        self._change(
            "DELETE FROM call WHERE id <= (SELECT max(id) FROM (SELECT id, sum(bytes) OVER"
            " (ORDER BY id DESC) AS total FROM call) WHERE total > ?)",
            MOST_BYTES,
        )

    def _tell(self, entry: Entry) -> None:
        for follower in self._followers:
            with suppress(anyio.WouldBlock, anyio.BrokenResourceError):
                follower.send_nowait(entry)

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        try:
            return self._open_state().rows(sql, *values)
        except (MpError, sqlite3.Error) as error:
            logger.warning("The history cannot be read: %s", error)
            return []

    def _change(self, sql: str, *values: Any) -> None:
        try:
            self._open_state().change(sql, *values)
        except (MpError, sqlite3.Error) as error:
            logger.warning("A call is not in the history: %s", error)


def _batches(entries: list[Entry]) -> Iterator[list[Entry]]:
    for size in WRITTEN_AT_ONCE:
        while len(entries) >= size:
            yield entries[:size]
            entries = entries[size:]


def _entry(call: Call) -> Entry:
    arguments, is_exact = _short(call.arguments)
    return Entry(
        id=call.number,
        at=call.at,
        project=call.project,
        client=call.client.label,
        program=call.client.program,
        is_human=call.client.is_human,
        tool=call.tool,
        arguments=arguments,
        is_exact=is_exact and call.is_exact,
        seconds=call.seconds,
        rows=call.rows,
        units=call.units,
        cached=call.cached,
        outcome=call.outcome,
        message=call.message,
        job=call.job.record.id if call.job else None,
    )


def _short(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Arguments that fit, and whether they are all there."""
    if len(json.dumps(arguments)) <= LONGEST_ARGUMENTS:
        return dict(arguments), True
    cut = {name: _cut(value) for name, value in arguments.items()}
    return (cut if len(json.dumps(cut)) <= LONGEST_ARGUMENTS else {}), False


def _cut(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) <= LONGEST_TEXT:
        return value
    return f"{text[:LONGEST_TEXT]}… [cut: {len(text)} characters]"


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    conditions, values = ["id > ?"], [wanted.after]
    found: list[tuple[str, Any]] = [
        ("project = ?", wanted.project),
        ("id = ?", wanted.number),
        ("at >= ?", wanted.since),
        ("instr(tool, ?)", (wanted.tool or "").strip().lower().translate(_AS_NAME) or None),
    ]
    client = (wanted.client or "").strip().lower()
    if client in (*HUMAN, *AGENTS):
        found.append(("is_human = ?", int(client in HUMAN)))
    elif client:
        found.append(("instr(lower(client || ' ' || coalesce(program, '')), ?)", client))
    if not wanted.tool and not wanted.waits:
        # `mp` follows each fetch by such calls: they say nothing that its own call does not.
        conditions.append("NOT (tool = 'wait_job' AND outcome = 'ok')")
    for condition, value in found:
        if value is not None:
            conditions.append(condition)
            values.append(value)
    return conditions, values


_AS_NAME = str.maketrans(" -", "__")
"""`query sql`, as `mp` spells it, is query_sql."""


def _stored(name: str, value: Any) -> Any:
    if name == "arguments":
        return json.dumps(value)
    # Half a surrogate pair fits in no file.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _read(row: tuple[Any, ...]) -> Entry:
    found = dict(zip(_FIELDS, row, strict=True))
    found["arguments"] = json.loads(found["arguments"])
    for name in _FLAGS:
        found[name] = None if found[name] is None else bool(found[name])
    return Entry(**found)
