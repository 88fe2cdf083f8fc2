"""The auditor: what must be there is there once, whole, and nothing else is left.

Never believes the product: it reads the file itself, and asks the kernel about processes.
"""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.chaos.ledger import Batches, Content, Ledger, Version
from tests.processes.process_list import processes_with

MOST_THREADS = 60


def audit_server(home: Home, clients: int) -> Iterator[str]:
    """While nobody calls: what the server still holds."""
    pid = lease.server_info(home).get("pid")
    if pid is None:
        yield "there is no server"
        return
    held = _open_files(pid)
    sockets = sum(name.startswith("socket:") for name in held)
    # Its listener, the loop's own pair, and connections to Mixpanel that are kept for the next.
    if sockets > clients + 3 + 10:
        yield f"{sockets} sockets are open for {clients} clients"
    yield from (f"still open: {name}" for name in held if "/spool/" in name or "deleted" in name)
    threads = len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208
    if threads > MOST_THREADS:
        yield f"{threads} threads"
    yield from (f"still in the spool: {path}" for path in _spooled(home))


def audit_folder(home: Home, clients: Sequence[int]) -> Iterator[str]:
    """After the server has left: processes and files of its run."""
    found = processes_with(str(home.path))
    strangers = [one[:200] for one in found if int(one.split()[0]) not in clients]
    yield from (f"a process is left: {one}" for one in strangers)
    for name in ("run/mp.sock", "run/server.json", "run/server.part"):
        if (home.path / name).exists():
            yield f"{name} is left"
    yield from (f"left: {path}" for path in home.path.rglob("*.wal"))
    yield from (f"in the spool: {path}" for path in _spooled(home))
    for log in home.logs.iterdir():
        text = log.read_text(encoding="utf-8", errors="replace")
        if "Traceback" in text:
            yield f"{log.name}: {text[text.index('Traceback') :][:1500]}"


def _spooled(home: Home) -> list[Path]:
    """What is left in the spool, but for lines that were kept for people to look at."""
    found = home.path.glob("spool/*/*")
    return [path for path in found if path.is_dir() or not _has_rejects(path)]


def _has_rejects(file: Path) -> bool:
    return file.name.startswith("rejects-") and file.stat().st_size > 0


def audit_data(file: Path, ledger: Ledger, mixpanel: Running) -> Iterator[str]:
    """Every table against the ledger, and what is known to be from then on."""
    with duckdb.connect(file, read_only=True) as connection:
        names = {
            str(name)
            for (name,) in connection.execute(
                "SELECT view_name FROM duckdb_views() WHERE NOT internal AND schema_name = 'main'"
                " UNION ALL SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'"
            ).fetchall()
        }
        yield from _saved(connection, ledger, names)
        yield from _loaded(connection, ledger, names)
        for table in {name for name in names if name.startswith(("events", "fetched"))}:
            yield from _covered(connection, ledger, mixpanel, table)
        known = {*ledger.tables, *ledger.batches, *ledger.complete, "events"}
        yield from (f"nobody made {name}" for name in names - known if "fetched_" not in name)


def _saved(connection: duckdb.DuckDBPyConnection, ledger: Ledger, names: set[str]) -> Iterator[str]:
    for table, contents in ledger.tables.items():
        found: Content = None
        if table in names:
            low, high, rows, distinct = connection.execute(
                f"SELECT min(v), max(v), count(*), count(DISTINCT n) FROM {table}"
            ).fetchall()[0]
            found = Version(low, rows)
            if low != high or rows != distinct:
                yield f"{table} is mixed: {low} to {high}, {rows} rows, {distinct} different"
        if found not in contents:
            yield f"{table} is {found}, but may be {contents}"
        ledger.tables[table] = {found}


def _loaded(
    connection: duckdb.DuckDBPyConnection, ledger: Ledger, names: set[str]
) -> Iterator[str]:
    for table, batches in ledger.batches.items():
        found: dict[int, tuple[int, int]] = {}
        if table in names:
            sql = f"SELECT batch, count(*), count(DISTINCT insert_id) FROM {table} GROUP BY batch"
            rows = connection.execute(sql).fetchall()
            found = {int(batch): (rows, distinct) for batch, rows, distinct in rows}
        for batch, whole in batches.sure.items():
            if found.get(batch) != (whole, whole):
                yield f"{table}: batch {batch} has {found.get(batch)} of {whole} rows"
        for batch, whole in batches.open.items():
            if found.get(batch, (0, 0)) not in ((0, 0), (whole, whole)):
                yield f"{table}: half of batch {batch}: {found[batch]} of {whole} rows"
        strange = set(found) - set(batches.sure) - set(batches.open)
        yield from (f"{table}: nobody loaded batch {batch}" for batch in strange)
        _settle(batches, set(found))


def _settle(batches: Batches, found: set[int]) -> None:
    """What came in is known now, and must stay."""
    for batch in found & set(batches.open):
        batches.sure[batch] = batches.open.pop(batch)


def _covered(
    connection: duckdb.DuckDBPyConnection, ledger: Ledger, mixpanel: Running, table: str
) -> Iterator[str]:
    truth = mixpanel.truth()
    covered = {
        str(day)
        for (day,) in connection.execute(
            "SELECT DISTINCT day FROM _mp.coverage WHERE table_name = ?", [table]
        ).fetchall()
    }
    sql = (
        "SELECT day::VARCHAR, count(*), count(DISTINCT (event, distinct_id, time, insert_id))"
        f" FROM {table} GROUP BY day"
    )
    found = {day: (rows, keys) for day, rows, keys in connection.execute(sql).fetchall()}
    for day in sorted(covered | set(found)):
        if day not in covered:
            yield f"{table}: {day} has {found[day]} rows and is not complete"
            continue
        right = (truth["by_day"].get(day, 0), truth["distinct_by_day"].get(day, 0))
        if found.get(day, (0, 0)) != right:
            yield f"{table}: {day} has {found.get(day)}, the truth is {right}"
    missing = ledger.complete.get(table, set()) - covered
    yield from (f"{table}: {day} was told to be complete" for day in sorted(missing))


def _open_files(pid: int) -> list[str]:
    found = []
    for file in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(file.readlink()))
        except OSError:
            continue  # it was closed meanwhile
    return found


def as_json(figures: object) -> str:
    """Figures for people and programs."""
    return json.dumps(figures, indent=2, default=str)
