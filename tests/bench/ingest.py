"""A fetch of a million events beside curl and duckdb's own reader, on the same bytes.

Never asserts a time. Machines are noisy: compare ratios of one run, and CPU rather than wall time.
"""

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mp_mcp.demo.running import Running
from mp_mcp.demo.story import Story
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.bench.timing import Figures, cpu_s, milliseconds, peak_rss_mb, timed
from tests.processes.agents import Agent, mp

PLAIN = """
import sys
import duckdb
connection = duckdb.connect(sys.argv[2])
connection.execute("SET enable_progress_bar = false")
connection.execute('''
    CREATE TABLE events AS SELECT event, to_timestamp((properties->>'time')::BIGINT) AS time,
    properties->>'distinct_id' AS distinct_id, properties->>'/$insert_id' AS insert_id, properties
    FROM read_json(?, format = 'newline_delimited',
                   columns = {event: 'VARCHAR', properties: 'JSON'})''', [sys.argv[1]])
connection.close()
"""


SMALL = "SELECT range AS number, range % 50 AS part FROM range(100000)"
READ = "SELECT part, count(*), sum(number) FROM small GROUP BY part ORDER BY part LIMIT 5"
READS = 300


def events_per_day(story: Story, events: int) -> int:
    """What to ask of the story for so many events in all: its days are not alike."""
    share = sum(map(story.count_on, story.days_between(story.first_day, story.last_day)))
    return round(events * story.events_per_day / share)


def fetch(
    environ: Mapping[str, str], home: Home, mixpanel: Running, folder: Path, days: tuple[str, str]
) -> Figures:
    """Three rounds of both; medians and their ratios."""
    rounds = [
        (_ours(environ, home, days), plain(mixpanel, folder, days, environ)) for _ in range(3)
    ]
    rounds.sort(key=lambda pair: pair[0]["wall_s"])
    ours = rounds[1][0]
    theirs = sorted((pair[1] for pair in rounds), key=lambda figures: float(figures["wall_s"]))[1]
    return {
        "mp fetch events": ours,
        "curl + duckdb read_json": theirs,
        "speed ratio": round(theirs["wall_s"] / ours["wall_s"], 3),
        "CPU ratio": round(ours["cpu_s"] / theirs["cpu_s"], 3),
        "file ratio": round(ours["file_mb"] / theirs["file_mb"], 3),
    }


def memory(
    environ: Mapping[str, str], home: Home, mixpanel: Running, days: tuple[str, str]
) -> Figures:
    """The highest resident size of one big fetch; a server that fetched before would hide it."""
    return _ours({**environ, **mixpanel.environ()}, home, days)


def reads_beside(environ: Mapping[str, str], home: Home, days: tuple[str, str]) -> Figures:
    """Short reads of a table of 100,000 rows: while nothing else is done, and during the fetch."""
    _start_anew(environ, home)
    with Agent(environ) as agent, Agent(environ) as reader:
        agent.call("save_table", table="small", sql=SMALL)

        def read() -> object:
            return reader.call("query_sql", sql=READ)

        idle = [timed(read) for _ in range(READS)]
        with ThreadPoolExecutor() as threads:
            fetching = threads.submit(fetch_with, agent, from_date=days[0], to_date=days[1])
            beside = []
            while not fetching.done():
                beside.append(timed(read))
            rows = fetching.result()["rows"]
    found = {"idle": milliseconds(idle), "beside the fetch": milliseconds(beside)}
    times = found["beside the fetch"]["p99_ms"] / found["idle"]["p99_ms"]
    return {**found, "events": rows, "p99: times the idle one": round(times, 2)}


def _start_anew(environ: Mapping[str, str], home: Home) -> None:
    mp(environ, "server", "stop")
    shutil.rmtree(home.path / "data", ignore_errors=True)


def _ours(environ: Mapping[str, str], home: Home, days: tuple[str, str]) -> Figures:
    _start_anew(environ, home)
    with Agent(environ) as agent:
        agent.call("inspect_workspace")
        pid = lease.server_info(home)["pid"]
        before = cpu_s(pid)
        started = time.perf_counter()
        rows = fetch_with(agent, from_date=days[0], to_date=days[1])["rows"]
        wall = time.perf_counter() - started
        figures = {
            "events": rows,
            "wall_s": round(wall, 2),
            "cpu_s": round(cpu_s(pid) - before, 2),
            "peak_rss_mb": peak_rss_mb(pid),
        }
    mp(environ, "server", "stop")
    file = next((home.path / "data").rglob("*.db"))
    return figures | {"file_mb": round(file.stat().st_size / 1e6, 1)}


def fetch_with(agent: Agent, **arguments: str) -> Figures:
    """The result of a fetch at its end, however long it takes."""
    found = agent.call("fetch_events", **arguments)
    while found["state"] == "running":
        found = agent.call("wait_job", job=found["job"])
    result: Figures = found.get("result") or found
    return result


def plain(
    mixpanel: Running, folder: Path, days: tuple[str, str], environ: Mapping[str, str]
) -> Figures:
    """What anybody can do with two programs: download, then read into typed columns and JSON."""
    account = mixpanel.environ()
    export, database = folder / "export.ndjson.gz", folder / "plain.db"
    database.unlink(missing_ok=True)
    url = f"{mixpanel.base_url}/api/2.0/export?from_date={days[0]}&to_date={days[1]}"
    user = f"{account['MP_USERNAME']}:{account['MP_SECRET']}"
    started = time.perf_counter()
    curl = ["curl", "-sS", "-H", "Accept-Encoding: gzip", "-u", user, "-o", str(export)]
    got = _run([*curl, f"{url}&project_id={account['MP_PROJECT_ID']}"], environ)
    read = _run([sys.executable, "-c", PLAIN, str(export), str(database)], environ)
    wall = time.perf_counter() - started
    return {
        "wall_s": round(wall, 2),
        "cpu_s": round(got.ru_utime + got.ru_stime + read.ru_utime + read.ru_stime, 2),
        "peak_rss_mb": round(max(got.ru_maxrss, read.ru_maxrss) / 1024, 1),
        "export_mb": round(export.stat().st_size / 1e6, 1),
        "file_mb": round(database.stat().st_size / 1e6, 1),
    }


def _run(words: Sequence[str], environ: Mapping[str, str]) -> resource.struct_rusage:
    """What a program used, all of it."""
    process = subprocess.Popen(words, env=dict(environ))
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return used
