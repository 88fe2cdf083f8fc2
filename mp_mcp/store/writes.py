"""Writes: downloads into the spool, loads through the write queue.

Never asks Mixpanel, and never writes outside a queued transaction.
"""

import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from functools import partial
from pathlib import Path
from uuid import uuid4

from mp_mcp.errors import NO_SPACE, DiskFullError, MpError, StoreError
from mp_mcp.store import catalog, load
from mp_mcp.store.database import Cursor, Database
from mp_mcp.store.handles import StoreWriter
from mp_mcp.store.locks import LOCK_WAIT_S
from mp_mcp.store.models import LoadReport
from mp_mcp.store.schema import ensure_schema
from mp_mcp.store.session import Session
from mp_mcp.store.write_queue import WriteQueue

BIG_LOAD_BYTES = 8_000_000
"""From this size of the files a load is followed by a checkpoint."""


logger = logging.getLogger(__name__)


class Writer(StoreWriter):
    """Writes to one database.

    With a `job_id` a load is done once, even when the job runs again after a crash.
    """

    def __init__(
        self,
        database: Database,
        queue: WriteQueue,
        *,
        seen: catalog.Seen,
        job_id: str | None = None,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> None:
        self._database = database
        self._queue = queue
        self._seen = seen
        self._job_id = job_id
        self._lock_wait_s = lock_wait_s
        self._loads = 0

    async def ready(self) -> None:
        """Get write access now, before anything costly is spent."""
        async with self._database.session(write=True, lock_wait_s=self._lock_wait_s):
            return

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
    ) -> LoadReport:
        """Stage the files on a cursor of their own; only the swap waits for its turn to write."""
        load_id = self._load_id(table, days, events)
        stage = partial(
            load.stage_events,
            table=table,
            files=files,
            days=days,
            events=events,
            rejects=self._database.spool / f"rejects-{uuid4().hex[:12]}.jsonl",
        )
        async with self._database.session(write=True, lock_wait_s=self._lock_wait_s) as session:
            staged = await session.run(stage)

            def swap(cursor: Cursor) -> LoadReport:
                # A file that another program made gets our bookkeeping with its first load.
                ensure_schema(cursor)
                return load.swap_events(cursor, staged, where=where, job_id=load_id)

            is_big = sum(file.stat().st_size for file in files) > BIG_LOAD_BYTES
            report = await self._queue.submit(swap, session=session, checkpoint=is_big)
            await self._look_again(session)
            return report

    async def _look_again(self, session: Session) -> None:
        """List the tables for `status`; the load is committed, whatever comes of this."""
        try:
            self._seen.tables = await session.run(catalog.tables)
        except MpError as error:
            logger.warning("The tables were not listed after a load: %s", error)

    def _load_id(self, table: str, days: tuple[date, date] | None, events: tuple[str, ...]) -> str:
        if self._job_id is None:
            return uuid4().hex
        self._loads += 1
        part = f"{days[0]}..{days[1]}" if days else f"part {self._loads}"
        return " ".join((self._job_id, table, part, *sorted(events)))
