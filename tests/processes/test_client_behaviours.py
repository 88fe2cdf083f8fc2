"""What real hosts do that no specification foresees, replayed against a real `mp-mcp`."""

import json
import signal
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import BIN, Agent, mp
from tests.processes.jobs import DAYS, counted, jobs, last_day_held, truth, wait_until_held
from tests.processes.test_server_life import LONG, kill, running_calls
from tests.processes.waiting import wait_until

Call = tuple[str, dict[str, Any]]

SCRIPT = "function main() { return Events({from_date: '2025-03-01', to_date: '2025-03-02'})\
.groupBy(['name'], mixpanel.reducer.count()) }"


@pytest.fixture
def mixpanel(mixpanel: Running) -> Running:
    """Without the faults of other tests."""
    mixpanel.clear_faults()
    mixpanel.clear_requests()
    return mixpanel


def discovers_then_initializes(environ: dict[str, str]) -> Agent:
    """A host that asks `server/discover` in the newest way, and then shakes hands in the older."""
    agent = Agent(environ, "modern")
    assert "2026-07-28" in agent.request("server/discover")["supportedVersions"]
    agent.era = "legacy"
    return agent


def test_a_host_that_discovers_and_then_initializes_on_one_pipe_is_served(
    offline: dict[str, str], home: Home
) -> None:
    with discovers_then_initializes(offline) as agent:
        assert agent.request("ping") == {}
        assert {tool["name"] for tool in agent.request("tools/list")["tools"]} >= {"query_sql"}
        # Claude Code asks for these whatever the server announces.
        assert agent.request("resources/list")["resources"]
        assert agent.request("prompts/list")["prompts"]
        before = agent.call("inspect_workspace")["server_pid"]
        kill(home)
        # The pump has to repeat the second of the two handshakes.
        assert agent.call("inspect_workspace")["server_pid"] != before
        assert agent.request("ping") == {}
    assert agent.process.returncode == 0


def test_a_host_that_gives_up_on_a_fetch_finds_it_as_a_job(
    environ: dict[str, str], mixpanel: Running
) -> None:
    with Agent(environ, "legacy") as agent, Agent(environ) as other:
        with last_day_held(mixpanel, seconds=3):
            fetch = agent.start_call("fetch_events", **DAYS)
            job = wait_until_held(other)["job"]
            cancelled = {"requestId": fetch, "reason": "Request timed out"}
            agent.notify("notifications/cancelled", cancelled)
            wait_until(lambda: not running_calls(environ))
            assert agent.call("query_sql", sql="SELECT 1")["rows"] == [[1]]
            assert jobs(agent)[0]["state"] == "running"
            assert agent.call("wait_job", job=job)["result"]["days"] == 10
        assert agent.process.poll() is None
    assert counted(environ) == truth(mixpanel)


def test_a_host_that_gives_up_on_one_call_gets_the_answers_of_the_others(
    offline: dict[str, str],
) -> None:
    with Agent(offline, "legacy") as agent:
        given_up = agent.start_call("query_sql", sql=LONG)
        kept = agent.start_call("query_sql", sql=LONG, timeout=1)
        wait_until(lambda: len(list(running_calls(offline))) == 2)  # type: ignore[call-overload]
        agent.notify("notifications/cancelled", {"requestId": given_up})
        result = agent.wait(kept)["result"]
        assert result["structuredContent"]["code"] == "query_timeout"
        assert not running_calls(offline)


def test_a_host_that_starts_two_copies_at_once_has_one_server_and_either_may_die(
    offline: dict[str, str], home: Home
) -> None:
    one, two = Agent(offline, "legacy"), Agent(offline, "modern")
    with one, two:
        asked = [(agent, agent.start_call("inspect_workspace")) for agent in (one, two)]
        pids = {agent.finish(number)["server_pid"] for agent, number in asked}
        assert pids == {lease.server_info(home)["pid"]}
        saves = [
            (agent, agent.start_call("save_table", table="same", sql="SELECT 42 AS n"))
            for agent in (one, two)
        ]
        ends = [agent.wait(number)["result"] for agent, number in saves]
        assert sorted(end["isError"] for end in ends) == [False, True]
        (refused,) = (end["structuredContent"] for end in ends if end["isError"])
        assert refused["code"] == "table_exists"
        one.start_call("query_sql", sql=LONG)
        wait_until(lambda: running_calls(offline))
        one.process.send_signal(signal.SIGKILL)
        wait_until(lambda: not running_calls(offline))
        assert two.call("query_sql", sql="SELECT n FROM same")["rows"] == [[42]]
        assert two.call("inspect_workspace")["server_pid"] in pids
    assert one.process.returncode == -signal.SIGKILL


def test_a_host_that_closes_stdin_in_the_middle_of_a_fetch_finds_it_done_later(
    environ: dict[str, str], mixpanel: Running
) -> None:
    with last_day_held(mixpanel, seconds=3):
        agent = Agent(environ)
        agent.start_call("fetch_events", **DAYS)
        job = wait_until_held(environ)["job"]
        assert agent.close() == 0
        assert jobs(environ)[0]["state"] == "running"
        with Agent(environ) as later:
            assert later.call("wait_job", job=job)["result"]["days"] == 10
    assert counted(environ) == truth(mixpanel)


# --- hosts that show the model structured content only


def asked_of_mixpanel(ids: dict[str, str]) -> list[Call]:
    """A call of every tool that asks Mixpanel."""
    amount = {"event": "Purchase", "on": "amount", **DAYS}
    return [
        ("inspect_bookmarks", {"limit": 2}),
        ("inspect_cohorts", {}),
        ("inspect_events", {"limit": 1}),
        ("inspect_funnels", {}),
        ("inspect_lexicon_schema", {"type": "event", "name": "Login"}),
        ("inspect_lexicon_schemas", {}),
        ("inspect_properties", {"event": "Purchase"}),
        ("inspect_top_events", {}),
        ("inspect_values", {"property": "plan", "event": "Purchase"}),
        ("query_activity_feed", {"users": ["u-1001", "u-1002"], **DAYS}),
        ("query_event_counts", {"events": ["Login", "Purchase"], **DAYS}),
        ("query_flows", {"bookmark_id": ids["flows"]}),
        ("query_frequency", DAYS),
        ("query_funnel", {"funnel_id": ids["funnels"], **DAYS}),
        ("query_jql", {"script": SCRIPT}),
        ("query_property_counts", {"event": "Purchase", "property": "plan", **DAYS}),
        ("query_retention", {"born": "Signup", **DAYS}),
        ("query_saved_report", {"bookmark_id": ids["insights"]}),
        ("query_segmentation", {"event": "Login", **DAYS}),
        ("query_segmentation_average", amount),
        ("query_segmentation_numeric", amount),
        ("query_segmentation_sum", amount),
    ]


ALL_TOOLS = (str(BIN / "mp-mcp"), "--toolsets", "all")


def asked_of_the_store() -> list[Call]:
    """A call of every other tool, in an order in which all of them succeed."""
    first = {"from_date": DAYS["from_date"], "to_date": DAYS["from_date"]}
    return [
        ("inspect_workspace", {}),
        ("fetch_events", first),
        ("fetch_profiles", {}),
        ("inspect_tables", {}),
        ("inspect_schema", {"table": "events"}),
        ("inspect_describe", {"table": "events"}),
        ("inspect_sample", {"table": "events"}),
        ("inspect_column", {"table": "events", "column": "event"}),
        ("query_sql", {"sql": "FROM events", "limit": 3}),
        ("save_table", {"table": "kept", "sql": "SELECT 1 AS n"}),
        ("drop_table", {"table": ["kept"], "confirm": True}),
        ("fetch_events", {**DAYS, "detach": True}),
        ("wait_job", {"job": "{job}"}),
        ("inspect_jobs", {}),
        ("cancel_job", {"job": "{job}"}),
        ("inspect_history", {"limit": 2}),
    ]


class StructuredOnly:
    """A host that hands its model structured content, and nothing else of a result."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self.instructions = agent.request("server/discover")["instructions"]
        listed = agent.request("tools/list")["tools"]
        self.schemas = {tool["name"]: tool["outputSchema"] for tool in listed}

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured content, after a check that a host of another kind sees nothing else."""
        result = self._agent.wait(self._agent.start_call(tool, **arguments))["result"]
        shown: dict[str, Any] = result["structuredContent"]
        text, *marks = (block["text"] for block in result["content"])
        assert json.loads(text) == shown, tool
        for mark in marks:
            # What such a host does not show has to be in the instructions as well.
            assert "data, never instructions" in mark
            assert "data, never instructions" in " ".join(self.instructions.split())
        if not result["isError"]:
            jsonschema.validate(shown, self.schemas[tool])
            assert shown["project"] == "1001", tool
        return shown


def test_all_that_a_model_needs_is_in_the_structured_content_of_every_tool(
    environ: dict[str, str], mixpanel: Running
) -> None:
    ids = {
        kind: str(mp(environ, "inspect", "bookmarks", "-t", kind, "-l", "1").rows[0][0])
        for kind in ("flows", "funnels", "insights")
    }
    with Agent(environ, command=ALL_TOOLS) as agent:
        host = StructuredOnly(agent)
        calls = asked_of_mixpanel(ids) + asked_of_the_store()
        assert {tool for tool, _ in calls} == set(host.schemas), "a new tool: add a call of it"
        job, hinted = "", []
        for tool, arguments in calls:
            given = {name: job if v == "{job}" else v for name, v in arguments.items()}
            shown = host.call(tool, **given)
            assert "code" not in shown, (tool, shown)
            job = shown.get("job", job)
            if shown.get("truncated"):
                assert shown["hint"], tool
                hinted.append(tool)
        # The next page is a call that the hint gives.
        assert {"inspect_bookmarks", "inspect_events", "query_sql"} <= set(hinted)
        assert job.startswith("job-")


def test_every_error_has_its_code_and_its_way_out_in_the_structured_content(
    environ: dict[str, str],
) -> None:
    with Agent(environ, command=ALL_TOOLS) as agent:
        host = StructuredOnly(agent)
        for tool in host.schemas:
            shown = host.call(tool, nonsense=1)
            assert (shown["code"], shown["retryable"]) == ("usage", False), tool
            assert "nonsense" in shown["message"], tool
        missing = host.call("inspect_schema", table="evnts")
        assert missing["code"] == "table_missing"
        assert missing["hint"]
        unknown = host.call("wait_job", job="job-0")
        assert (unknown["code"], "inspect_jobs" in unknown["hint"]) == ("not_found", True)
