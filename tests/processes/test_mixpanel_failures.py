"""Whatever Mixpanel does wrong is one line, a hint and an exit code, and shows no secret."""

import re
from typing import Any, NamedTuple

import pytest

from mp_mcp.demo.running import Running
from tests.processes.agents import Agent, Command, Finished, mp

SEGMENTATION = "/api/query/segmentation"
DAYS = ("--from", "2025-03-01", "--to", "2025-03-02")
LASTING = {"times": None}
HISTORY = "Date range exceeds 90 days into the past"


class Case(NamedTuple):
    """A fault, and what a person gets to see of it."""

    name: str
    fault: dict[str, Any]
    code: int
    says: str
    hint: str


def status(code: int, **more: Any) -> dict[str, Any]:
    return {"fault": "status", "status": code, **more}


CASES = (
    Case("a bad expression", status(400, shape="E1", error="unknown variable: plan"), 3,
         "unknown variable: plan", "Check the arguments"),
    Case("credentials refused as 400", status(400, error="Unable to authenticate request"), 2,
         "refuses the credentials", "mp auth"),
    Case("credentials refused as 401", status(401), 2, "refuses the credentials", "mp auth"),
    Case("a plan without the API", status(402), 2, "plan does not include", "Growth"),
    Case("a role that may not", status(403, error="no access"), 2, "role", "owner"),
    Case("days before the history", status(403, error=HISTORY), 3, "90 days", "Start at most 90"),
    Case("something that is not there", status(404, shape="E3", error="Not found"), 4,
         "does not know", "mp inspect"),
    Case("an overloaded Mixpanel", {"fault": "load_shed", **LASTING}, 5, "rate limit", "Try again"),
    Case("a failing engine", status(500, **LASTING), 7, "HTTP 500", "Try again"),
    Case("a page of the edge", status(502, shape="E7", **LASTING), 7, "502 Bad Gateway", "again"),
    Case("an error in a success", {"fault": "error_200"}, 3, "could not answer", "arguments"),
    Case("a page to log in", {"fault": "redirect"}, 2, "no access", "role"),
    Case("no JSON", {"fault": "broken_json", **LASTING}, 7, "no JSON", "proxy"),
    Case("a cut connection", {"fault": "cut", "after": 10, **LASTING}, 7, "reached", "network"),
    Case("an empty refusal", status(403, shape="empty"), 2, "role", "owner"),
    Case("a refusal that is a list", status(400, shape="list", error="odd"), 3, "odd", "arguments"),
)  # fmt: skip


def require_two_calm_lines(found: Finished, secret: str) -> tuple[str, str]:
    """What was wrong, and what to do about it; nothing else on the terminal."""
    assert found.stdout == ""
    lines = found.stderr.splitlines()
    assert len(lines) == 2, found
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    assert secret not in found.stderr
    assert not re.search(r"httpx|http\.py|Error\(|[A-Za-z0-9+/]{30,}={1,2}", found.stderr)
    return lines[0], lines[1]


@pytest.fixture
def mixpanel(mixpanel: Running) -> Running:
    """Without the faults of other tests."""
    mixpanel.clear_faults()
    return mixpanel


def test_every_failure_has_its_line_its_hint_and_its_exit_code(
    environ: dict[str, str], mixpanel: Running
) -> None:
    mp(environ, "server", "start")
    for case in CASES:
        mixpanel.fault(SEGMENTATION, **case.fault, query={"event": case.name})
    running = [Command(environ, "query", "segmentation", "-e", case.name, *DAYS) for case in CASES]
    for case, command in zip(CASES, running, strict=True):
        found = command.finish()
        assert found.code == case.code, (case.name, found)
        error, hint = require_two_calm_lines(found, environ["MP_SECRET"])
        assert case.says in error, (case.name, found)
        assert case.hint in hint, (case.name, found)
    mixpanel.clear_faults()


def test_a_script_that_fails_is_told_by_its_own_error(
    environ: dict[str, str], mixpanel: Running
) -> None:
    found = mp(environ, "query", "jql", "-c", "function main() { return Nothing() }")
    assert found.code == 3
    calm = [line for line in found.stderr.splitlines() if not line.startswith("warning: ")]
    assert calm[0].startswith("error: The JQL script fails: ")
    assert calm[1].startswith("hint: Correct the script")
    assert len(calm) == 2


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://mixpanel.invalid"])
def test_a_mixpanel_that_cannot_be_reached_is_named(environ: dict[str, str], address: str) -> None:
    found = mp(environ | {"MP_API_BASE_URL": address}, "inspect", "events")
    assert found.code == 7
    error, hint = require_two_calm_lines(found, environ["MP_SECRET"])
    assert address in error
    assert "network" in hint
    workspace = mp(environ | {"MP_API_BASE_URL": address}, "inspect", "workspace").json
    assert {budget["used"] for budget in workspace["budget"]} == {0}, "nothing was counted there"


def test_a_spent_hour_is_told_with_the_time_of_the_next_slot(
    environ: dict[str, str], mixpanel: Running
) -> None:
    said = {
        "Retry-After": "1800",
        "RateLimit-Policy": '"project";q=60;w=3600, "project-concurrency";q=5',
        "RateLimit": '"project";r=0;t=1800, "project-concurrency";r=3',
    }
    mixpanel.fault(SEGMENTATION, "status", status=429, headers=said)
    found = mp(environ, "query", "segmentation", "-e", "Login", *DAYS)
    assert found.code == 5
    error, hint = require_two_calm_lines(found, environ["MP_SECRET"])
    assert "rate limit" in error
    assert "60 of 60 queries are used in this rolling hour; the next one frees in 30 min" in hint


def test_an_agent_reads_of_a_failure_what_it_needs(
    environ: dict[str, str], mixpanel: Running
) -> None:
    mixpanel.fault(SEGMENTATION, "status", status=429, headers={"Retry-After": "900"})
    days = {"from_date": "2025-03-01", "to_date": "2025-03-02"}
    with Agent(environ) as agent:
        error = agent.error("query_segmentation", event="Login", **days)
    assert (error["code"], error["retryable"], error["retry_after"]) == ("rate_limited", True, 900)
    assert "query_sql" in error["hint"]
    # Without a reason: an overloaded Mixpanel answers like that as well, so nothing is spent.
    assert "By our count, 0 of 60 queries are used in this rolling hour" in error["hint"]
