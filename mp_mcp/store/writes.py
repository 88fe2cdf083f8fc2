"""Writes: downloads into the spool, loads, saves and drops through the write queue.

Never asks Mixpanel, and never writes outside a queued transaction.
"""

import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from mp_mcp.errors import NO_SPACE, DiskFullError, MpError, StoreError
from mp_mcp.results import Row
from mp_mcp.store import catalog, coverage, keep, layout, load, local_time
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.guarded import GuardedReads
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.lanes import Share
from mp_mcp.store.large import staging_place
from mp_mcp.store.locks import LOCK_WAIT_S
from mp_mcp.store.models import (
    DroppedTable,
    LoadReport,
    ProfileChoice,
    ProfilesReport,
    SavedTable,
)
from mp_mcp.store.profile_merge import merge_profiles
from mp_mcp.store.profile_stage import stage_profiles
from mp_mcp.store.profile_table import check_target
from mp_mcp.store.reads import Limits
from mp_mcp.store.schema import ensure_schema, has_schema
from mp_mcp.store.session import Session
from mp_mcp.store.turns import turn
from mp_mcp.store.write_queue import WriteQueue

BIG_MERGE_BYTES = 8_000_000
"""From this size of the files a merge of profiles is followed by a checkpoint."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Selects:
    """How the SELECTs are read whose answers become tables."""

    guarded: GuardedReads
    lanes: Share
    limits: Limits


class Writer(StoreWriter):
    """Writes to one database.

    With a `job_id` a load is done once, even when the job runs again after a crash.
    """

    def __init__(
        self,
        database: Database,
        queue: WriteQueue,
        selects: Selects,
        *,
        seen: catalog.Seen,
        job_id: str | None = None,
        lock_wait_s: float = LOCK_WAIT_S,
        late_days: float = coverage.LATE_DAYS,
    ) -> None:
        self._database = database
        self._queue = queue
        self._selects = selects
        self._seen = seen
        self._job_id = job_id
        self._lock_wait_s = lock_wait_s
        self._late_days = late_days
        self._loads = 0

    async def ready(self) -> None:
        """Get write access now, before anything costly is spent."""
        async with self._database.session(write=True, lock_wait_s=self._lock_wait_s):
            return

    async def days_to_fetch(
        self,
        table: str,
        days: tuple[date, date],
        *,
        events: tuple[str, ...] = (),
        where: str | None = None,
        refresh: bool = False,
        replace: bool = False,
        since: datetime | None = None,
        zone: str | None = None,
    ) -> list[date]:
        """Days that are missing, or that late events may still change."""
        wanted = coverage.Wanted(
            *days,
            events=events,
            refresh=refresh or replace,
            late_days=self._late_days,
            job_id=self._job_id,
            since=since,
        )

        def look(cursor: Cursor) -> list[date]:
            if zone is not None:
                local_time.check_zone(cursor, zone)
            if replace:
                layout.check_kind(cursor, table)
            else:
                layout.check_target(cursor, table, where)
            if not has_schema(cursor):
                return coverage.every_day(wanted)
            return coverage.days_to_fetch(cursor, table, wanted)

        async with self._database.session(write=True, lock_wait_s=self._lock_wait_s) as session:
            return await session.run(look)

    async def show_utc(self, table: str, zone: str) -> None:
        """Note the zone, and show the column."""

        def note(cursor: Cursor) -> None:
            local_time.note_zone(cursor, table, zone)
            layout.refresh_view(cursor, table, layout.properties_of(cursor, table))

        await self._queue.submit(note)

    async def count_rows(
        self, table: str, days: tuple[date, date], *, events: tuple[str, ...] = ()
    ) -> int:
        """Rows of these days in the table now."""
        count = partial(catalog.count_rows, table=table, days=days, events=events)
        return await self._database.run(count, lock_wait_s=self._lock_wait_s)

    def spool(self) -> AbstractAsyncContextManager[Path]:
        """A fresh folder for downloads; write access is kept until it is removed."""
        return self._spool()

    @asynccontextmanager
    async def _spool(self) -> AsyncIterator[Path]:
        async with self._database.session(write=True, lock_wait_s=self._lock_wait_s):
            folder = self._make_folder()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def _make_folder(self) -> Path:
        root = self._database.spool
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix="load-", dir=root))
        except OSError as error:
            kind = DiskFullError if error.errno in NO_SPACE else StoreError
            raise kind(
                f"The spool folder {root} cannot be used: {error.strerror}.",
                hint="Free space there." if kind is DiskFullError else "Make it writable for you.",
            ) from error

    async def load_events(
        self,
        table: str,
        files: Sequence[Path],
        *,
        days: tuple[date, date] | None,
        events: tuple[str, ...] = (),
        where: str | None = None,
        fetched_at: datetime | None = None,
        replace: bool = False,
    ) -> LoadReport:
        """Stage the files on a cursor of their own; only the swap waits for its turn to write."""
        load_id = self._load_id(table, days, events)
        rejects = self._database.spool / f"rejects-{uuid4().hex[:12]}.jsonl"
        stage = partial(
            load.stage_events, table=table, files=files, days=days, events=events, rejects=rejects
        )
        async with (
            self._database.session(write=True, lock_wait_s=self._lock_wait_s) as session,
            staging_place(self._database, self._queue, files) as place,
        ):
            staged = await session.run(partial(stage, place=place))

            swap = partial(
                _swap,
                staged=staged,
                where=where,
                job_id=load_id,
                fetched_at=fetched_at,
                anew_for=(self._job_id or load_id) if replace else None,
            )
            try:
                report = await self._queue.submit(swap, session=session, checkpoint=bool(place))
            except Exception:
                rejects.unlink(missing_ok=True)  # nobody was told of it
                raise
            await self._look_again(session)
            return report

    async def require_profiles(
        self, table: str, choice: ProfileChoice, *, replace: bool = False
    ) -> None:
        """See that the load will be possible, before anything is spent on it."""
        check = partial(check_target, table=table, choice=choice, replace=replace)
        await self._database.run(check, write=True, lock_wait_s=self._lock_wait_s)

    async def load_profiles(
        self, table: str, files: Sequence[Path], choice: ProfileChoice, *, replace: bool = False
    ) -> ProfilesReport:
        """Stage the files on a cursor of their own; only the merge waits for its turn to write."""
        load_id = uuid4().hex if self._job_id is None else f"{self._job_id} {table} profiles"
        stage = partial(stage_profiles, table=table, files=files, afresh=replace)
        async with self._database.session(write=True, lock_wait_s=self._lock_wait_s) as session:
            staged = await session.run(stage)

            def merge(cursor: Cursor) -> ProfilesReport:
                ensure_schema(cursor)
                return merge_profiles(cursor, staged, choice, replace=replace, job_id=load_id)

            report = await self._queue.submit(merge, session=session, checkpoint=_are_big(files))
            await self._look_again(session)
            return report

    async def save(
        self, table: str, sql: str, *, replace: bool = False, timeout_s: float | None = None
    ) -> SavedTable:
        """Read the answer in a turn of its own; only the copy waits for its turn to write."""
        selects = self._selects

        def read(cursor: Cursor) -> None:
            keep.check_place(cursor, table, replace=replace)
            selects.guarded.run(cursor, sql, partial(keep.answer_select, cursor))

        async with self._database.session(write=True, lock_wait_s=self._lock_wait_s) as session:
            async with turn(selects.lanes, selects.limits.seconds(timeout_s)) as (own, left):
                try:
                    await session.run(read, timeout_s=left)
                finally:
                    own.leave()
            saved = await self._queue.submit(
                partial(keep.keep_answer, table=table, replace=replace), session=session
            )
            await self._look_again(session)
            return saved

    async def keep_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Row]
    ) -> SavedTable:
        """Only the copy waits for its turn to write."""

        def read(cursor: Cursor) -> None:
            keep.check_place(cursor, table, replace=True, kind=keep.ANSWER)
            keep.read_rows(cursor, columns, rows)

        write = partial(keep.keep_answer, table=table, replace=True, kind=keep.ANSWER)
        async with self._database.session(write=True, lock_wait_s=self._lock_wait_s) as session:
            await session.run(read)
            kept = await self._queue.submit(write, session=session)
            await self._look_again(session)
            return kept

    async def drop(self, tables: Sequence[str]) -> list[DroppedTable]:
        """One transaction for all of them."""
        async with self._database.session(write=True, lock_wait_s=self._lock_wait_s) as session:
            dropped = await self._queue.submit(
                partial(keep.drop_tables, names=tables), session=session
            )
            await self._look_again(session)
            return dropped

    async def _look_again(self, session: Session) -> None:
        """List the tables for `status`; the write is committed, whatever comes of this."""
        try:
            self._seen.tables = await session.run(
                partial(catalog.tables, late_days=self._late_days)
            )
        except MpError as error:
            logger.warning("The tables were not listed after a write: %s", error)

    def _load_id(self, table: str, days: tuple[date, date] | None, events: tuple[str, ...]) -> str:
        if self._job_id is None:
            return uuid4().hex
        self._loads += 1
        part = f"{days[0]}..{days[1]}" if days else f"part {self._loads}"
        return " ".join((self._job_id, table, part, *sorted(events)))


def _swap(cursor: Cursor, staged: load.Staged, **how: Any) -> LoadReport:
    # A file that another program made gets our bookkeeping with its first load.
    ensure_schema(cursor)
    return load.swap_events(cursor, staged, **how)


def _are_big(files: Sequence[Path]) -> bool:
    return sum(file.stat().st_size for file in files) > BIG_MERGE_BYTES
