"""Profiles through the write queue of a real file."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from mp_mcp.errors import TableExistsError
from mp_mcp.store.models import ProfileChoice, ProfilesReport, TableInfo
from mp_mcp.store.open_store import Files, Store
from tests.unit.store.profile_loading import EVERYBODY, Profiles, counts, entries, spooled

pytestmark = pytest.mark.anyio

SOME = ProfileChoice(distinct_ids=("u-1",))


async def load(
    store: Store,
    profiles: Profiles,
    choice: ProfileChoice = EVERYBODY,
    *,
    job_id: str | None = None,
    replace: bool = False,
) -> ProfilesReport:
    writer = store.writer(job_id=job_id)
    async with writer.spool() as folder:
        files: Sequence[Path] = spooled(folder, [entries(profiles)])
        return await writer.load_profiles("profiles", files, choice, replace=replace)


async def table(store: Store) -> TableInfo:
    (found,) = await store.reader().tables()
    return found


async def make_older(store: Store) -> None:
    """Let a day pass."""

    def work(cursor: duckdb.DuckDBPyConnection) -> None:
        for table, column in (("tables", "created_at"), ("loads", "loaded_at")):
            cursor.execute(f"UPDATE _mp.{table} SET {column} = {column} - INTERVAL 1 DAY")

    await store.database.run(work, write=True)


async def test_profiles_can_be_queried(store: Store) -> None:
    assert counts(await load(store, {"u-1": {"plan": "team"}})) == (1, 0, 0, 0)
    found = await store.reader().query(
        "SELECT distinct_id, plan, prop('plan'), properties FROM profiles", limit=9
    )
    assert found.rows == [["u-1", "team", "team", {"plan": "team"}]]


async def test_the_listing_shows_kind_filter_and_time_of_the_last_whole_fetch(store: Store) -> None:
    await load(store, {"u-1": {"plan": "team"}}, SOME)
    await make_older(store)
    first = await table(store)
    assert (first.kind, first.rows, first.columns, first.days) == ("profiles", 1, 4, None)
    assert "only those" in str(first.where)
    await load(store, {"u-1": {"plan": "team"}})
    whole = await table(store)
    assert whole.where is None
    assert first.fetched_at is not None
    assert whole.fetched_at is not None
    assert whole.fetched_at > first.fetched_at
    await make_older(store)
    older = await table(store)
    assert older.fetched_at is not None
    assert older.fetched_at < whole.fetched_at
    await load(store, {"u-1": {"plan": "free"}}, SOME)
    assert (await table(store)).fetched_at == older.fetched_at


async def test_a_job_that_runs_again_after_its_commit_changes_nothing(store: Store) -> None:
    first = await load(store, {"u-1": {}, "u-2": {}}, job_id="job-1")
    assert await load(store, {"u-1": {}}, job_id="job-1") == first
    assert (await table(store)).rows == 2


async def test_a_table_of_another_meaning_is_refused_before_anything_is_fetched(
    store: Store,
) -> None:
    await store.writer().require_profiles("profiles", EVERYBODY)
    await load(store, {"u-1": {}})
    await store.writer().require_profiles("profiles", SOME)
    other = ProfileChoice(cohort=501)
    with pytest.raises(TableExistsError):
        await store.writer().require_profiles("profiles", other)
    await store.writer().require_profiles("profiles", other, replace=True)


async def test_a_file_of_an_older_program_takes_profiles_beside_its_own(
    files: Files, tmp_path: Path
) -> None:
    path = tmp_path / "8.db"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE profiles AS SELECT 1 AS a")
    store = files.store(path, spool=tmp_path / "spool")
    with pytest.raises(TableExistsError, match="not a table that mp made") as caught:
        await store.writer().require_profiles("profiles", EVERYBODY, replace=True)
    assert "profiles_2" in str(caught.value.hint)
    writer = store.writer()
    async with writer.spool() as folder:
        files_ = spooled(folder, [entries({"u-1": {}})])
        await writer.load_profiles("profiles_2", files_, EVERYBODY)
    assert [one.name for one in await store.reader().tables()] == ["profiles", "profiles_2"]
