"""What the library of mixpanel-headless makes of the simulator's answers."""

from collections.abc import Callable
from typing import Any

import pytest

from mp_mcp.demo.profiles import PROFILES
from mp_mcp.demo.running import Running
from tests.clients.conftest import Client

# The visitor with the empty id has no profile.
TOTAL = PROFILES - 1

Check = Callable[[Any, Running], bool]

CALLS: dict[str, Check] = {
    "me": lambda found, _: found == "demo.svc@example.org",
    "projects": lambda found, _: found == ["1001"],
    "workspaces": lambda found, _: found == [100101],
    "stream_events": lambda found, sim: found == sim.truth()["rows"],
    "stream_events filtered": lambda found, sim: 0 < found < sim.truth(event="Login")["rows"],
    "stream_profiles": lambda found, _: found == TOTAL,
    "stream_profiles of a cohort": lambda found, _: found == 9,
    # The visitor with the empty id is a user of events, but has no profile.
    "stream_profiles by behavior": lambda found, sim: (
        sim.truth(event="Purchase")["users"] - found in (0, 1)
    ),
    "stream_profiles of a group": lambda found, _: found == 30,
    "query_user count": lambda found, _: found == TOTAL,
    "query_user sequential": lambda found, _: found == 1500,
    "query_user parallel": lambda found, _: found == TOTAL,
    "query_user where": lambda found, _: 0 < found < TOTAL,
    "query_user cohort": lambda found, _: 0 < found < TOTAL,
    "query_user search": lambda found, _: found == ["u-1003"],
    "query_user extremes": lambda found, _: 0 <= found["min"] < found["max"] < 951,
    "query_user percentile": lambda found, _: 800 < found["result"] < 900,
    "query_user numeric_summary": lambda found, _: 0 < found["count"] < TOTAL,
    "query_user segments": lambda found, _: set(found) == {"1001501", "1001502"},
    "query": lambda found, sim: found == sim.truth()["by_event"]["Login"],
    "query_funnel": lambda found, _: len(found) == 2 and found[0] > found[1] > 0,
    "query_retention": lambda found, _: found > 0,
    "query_flow": lambda found, _: found > 0,
    "list_bookmarks_v2": lambda found, _: found == 2561,
    "activity_feed by pages": lambda found, _: found > 40,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_of_the_library(headless: Client, running: Running, name: str) -> None:
    found = headless({"library": name})
    assert CALLS[name](found, running), found
