"""Short words for fetches that are held up, and for the jobs that everybody sees of them.

Never holds a fetch for good: the simulator answers when the faults are cleared.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from mp_mcp.demo.running import Running
from mp_mcp.settings import Home
from tests.processes.agents import Agent, mp
from tests.processes.conftest import LAST_DAY
from tests.processes.waiting import wait_until

EXPORT = "/api/2.0/export"
FIRST_DAY = "2025-03-01"
DAYS = {"from_date": FIRST_DAY, "to_date": LAST_DAY}
FETCH = ("fetch", "events", "--from", FIRST_DAY, "--to", LAST_DAY)
BY_DAY = "SELECT day::VARCHAR, count(*) FROM events GROUP BY 1"

Row = dict[str, Any]


@contextmanager
def last_day_held(mixpanel: Running, seconds: float = 60) -> Iterator[None]:
    """Exports of the last day wait so long at most; those of the other days do not."""
    mixpanel.clear_requests()
    mixpanel.fault(EXPORT, "delay", seconds=seconds, times=None, query={"from_date": LAST_DAY})
    try:
        yield
    finally:
        mixpanel.clear_faults()


def exported(mixpanel: Running) -> list[tuple[str, str]]:
    """First and last days of the exports since the requests were cleared."""
    asked = [entry["params"] for entry in mixpanel.requests(EXPORT)]
    return sorted((params["from_date"], params["to_date"]) for params in asked)


def jobs(client: Agent | Mapping[str, str]) -> list[Row]:
    """The jobs as this agent, or a person with this environment, sees them."""
    if isinstance(client, Agent):
        found = client.call("inspect_jobs")
    else:
        found = mp(client, "inspect", "jobs").json
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def wait_until_held(client: Agent | Mapping[str, str]) -> Row:
    """The newest job, when everything but its last day is loaded."""
    wait_until(lambda: [j for j in jobs(client)[:1] if "9 of 10 days" in str(j["progress"])])
    return jobs(client)[0]


def running_tools(environ: Mapping[str, str]) -> list[str]:
    """The tools of all calls that the server works on, in order of their names."""
    return sorted(call["tool"] for call in mp(environ, "server", "status").json.get("calls", ()))


def counted(environ: Mapping[str, str]) -> dict[str, int]:
    """Loaded events by day."""
    found: dict[str, int] = dict(mp(environ, "query", "sql", BY_DAY).json["rows"])
    return found


def truth(mixpanel: Running) -> dict[str, int]:
    """Events by day, as they should be."""
    found: dict[str, int] = mixpanel.truth(**DAYS)["by_day"]
    return found


def states_on_disk(home: Home) -> list[str]:
    """States of the jobs in state.db, oldest first; only while no server runs."""
    with closing(sqlite3.connect(home.state)) as connection:
        return [row[0] for row in connection.execute("SELECT state FROM job ORDER BY started")]
