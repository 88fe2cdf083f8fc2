"""`mp demo`: two agents and a human on one DuckDB file, told as a short story with timings.

Never touches the user's state: everything happens in a folder that is thrown away.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from mp_mcp.demo.running import Running, simulator
from mp_mcp.demo.tour_agent import TourAgent
from mp_mcp.errors import ExitCode, MpError

BOOKMARK_DELAY_S = 3
FIRST, LAST = "2025-03-01", "2025-03-14"
BY_COUNTRY = "SELECT mp_country_code AS country, count(*) AS purchases FROM events \
WHERE event = 'Purchase' GROUP BY 1 ORDER BY 2 DESC LIMIT 3"


class Act(NamedTuple):
    """Something that somebody does in the story."""

    who: str
    what: str
    do: Callable[[], dict[str, Any]]


def main() -> None:
    """Tell the story. Raises: MpError when a part of it fails."""
    # Whoever ends it, its folder and its server go with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.INTERRUPTED))
    say("Two AI agents and you work on one Mixpanel project and one DuckDB file, at the same time.")
    say("Nothing of yours is touched: a simulated Mixpanel, a throw-away state folder.\n")
    with throw_away_folder() as folder:
        started = time.monotonic()
        with simulator(
            events_per_day=2000, days=14, last_day=LAST, bookmark_delay=BOOKMARK_DELAY_S
        ) as mixpanel:
            say(f"   A simulated Mixpanel answers at {mixpanel.base_url} ({took(started)}).\n")
            environ = environ_of(folder, mixpanel)
            agents = [TourAgent(environ), TourAgent(environ)]
            try:
                _tell(agents, environ)
            finally:
                for agent in agents:
                    agent.close()
                human(environ, "server", "stop")
        _plain_duckdb(folder)


def _tell(agents: list[TourAgent], environ: dict[str, str]) -> None:
    first, second = agents
    say(f"1. All at once. Listing 2,561 saved reports takes Mixpanel {BOOKMARK_DELAY_S} s here,")
    say("   20 to 27 s in real life; this is where two programs used to collide.")
    together(
        Act("agent 1", "inspect_bookmarks", lambda: first.call("inspect_bookmarks")),
        Act(
            "agent 2",
            f"fetch_events {FIRST} to {LAST}",
            lambda: second.call("fetch_events", from_date=FIRST, to_date=LAST),
        ),
        Act(
            "you",
            "mp inspect bookmarks",
            lambda: human(environ, "inspect", "bookmarks", "--limit", "5000"),
        ),
    )
    say("2. Everybody asks the same file, while agent 2 fetches into it again.")
    counted = "SELECT count(*) FROM events"
    together(
        Act(
            "agent 2",
            f"fetch_events {FIRST} to {LAST}",
            lambda: second.call("fetch_events", from_date=FIRST, to_date=LAST, refresh=True),
        ),
        Act("agent 1", f"query_sql {counted}", lambda: first.call("query_sql", sql=counted)),
        Act("you", f"mp query sql '{counted}'", lambda: human(environ, "query", "sql", counted)),
    )
    say("3. What agent 1 learns about purchases, in SQL, at no cost of Mixpanel's 60 queries/hour:")
    for country, purchases in first.call("query_sql", sql=BY_COUNTRY)["rows"]:
        say(f"     {country or '(none)':8} {purchases:>6,}")
    say("")


def together(*acts: Act) -> None:
    """Do everything at once, and print each end as it comes."""
    with ThreadPoolExecutor(len(acts)) as threads:
        started = time.monotonic()
        for done in as_completed([threads.submit(_done, act, started) for act in acts]):
            say(done.result())
    say("")


def _done(act: Act, started: float) -> str:
    result = act.do()
    return f"     {act.who:8} {act.what:44} {outcome(result):>16} {took(started):>8}"


def outcome(result: dict[str, Any]) -> str:
    """What came of a call, in two words."""
    if isinstance(result.get("rows"), int):
        return f"{result['rows']:,} events"
    rows = result["rows"]
    if len(rows) == 1:
        return f"{rows[0][0]:,}"
    # Agents get bounded answers, which say how to get the rest.
    return f"first {len(rows):,} rows" if result["truncated"] else f"{len(rows):,} rows"


def human(environ: dict[str, str], *words: str) -> dict[str, Any]:
    """Run `mp` as a person would. Raises: MpError with its own words."""
    command = [sys.executable, "-m", "mp_mcp", *words, "--format", "json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MpError(done.stderr.strip() or f"mp {words[0]} failed.")
    found: dict[str, Any] = json.loads(done.stdout or "{}")
    return found


def environ_of(folder: Path, mixpanel: Running) -> dict[str, str]:
    """A client's environment: nothing of the user's accounts, everything of the demo's."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MP_")}
    return clean | {"MP_HOME": str(folder)} | mixpanel.environ()


HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""
TRY = "import duckdb, sys; duckdb.connect(sys.argv[1])"


def _plain_duckdb(folder: Path) -> None:
    """The same with plain DuckDB, really tried."""
    say("4. The same with plain DuckDB: one program has the file open, a second one wants it.")
    path = next((folder / "data").rglob("*.db"))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        if holder.stdout:
            holder.stdout.readline()
        second = subprocess.run(
            [sys.executable, "-c", TRY, path], capture_output=True, text=True, check=False
        )
        if holder.stdin:
            holder.stdin.close()
    last = second.stderr.strip().splitlines()[-1] if second.stderr else "(no error this time)"
    say(f"     {last.replace(str(path), path.name)}\n")
    say("   With mp_mcp nobody opens the file but one shared local server, so nobody can collide.")
    say("   Next: `mp auth login`, then add `mp-mcp` to your agent (see README).")


@contextmanager
def throw_away_folder() -> Iterator[Path]:
    """A state folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mp-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def took(started: float) -> str:
    """Seconds since then, for people."""
    return f"{time.monotonic() - started:.1f} s"


def say(line: str) -> None:
    """One line of the story."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
