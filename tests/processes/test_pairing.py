"""The human and the agents see what each other did, and either can stop what runs."""

import json
from pathlib import Path
from typing import Any

from mp_mcp.demo.running import Running
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Command, Finished, mp
from tests.processes.jobs import DAYS as TEN_DAYS
from tests.processes.jobs import last_day_held
from tests.processes.waiting import wait_until

ENDLESS = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"
DAYS = {"from_date": "2025-03-01", "to_date": "2025-03-02"}


def calls(finished: Finished) -> list[dict[str, Any]]:
    """The calls that `mp history --format jsonl` printed."""
    assert finished.code == 0, finished
    return [json.loads(line) for line in finished.stdout.splitlines()]


def history(environ: dict[str, str], *words: str) -> list[dict[str, Any]]:
    return calls(mp(environ, "history", *words, "--format", "jsonl"))


def test_the_human_sees_what_an_agent_called_and_what_it_cost(environ: dict[str, str]) -> None:
    sql = "SELECT 1 AS one,\n       'two' AS two"
    with Agent(environ) as agent:
        agent.call("query_sql", sql=sql)
        agent.error("query_sql", sql="SELECT nope")
        for _ in range(2):
            agent.call("query_segmentation", event="Purchase", **DAYS)
        label = f"mp-mcp pid {agent.process.pid}"
    good, bad, asked, cached = history(environ)
    none = mp(environ, "history", "--tool", "save_table", "--format", "json").json
    assert (none["columns"], none["rows"]) == (list(good), []), "the same columns without a row"
    assert {call["client"] for call in (good, bad, asked, cached)} == {label}
    assert {call["program"] for call in (good, bad, asked, cached)} == {"test agent"}
    assert (good["tool"], good["arguments"]) == ("query_sql", {"sql": sql})
    assert (good["outcome"], good["rows"], good["units"], good["cached"]) == ("ok", 1, 0, None)
    assert bad["outcome"] == "query"
    assert "nope" in bad["message"]
    assert (asked["units"], asked["cached"]) == (1, False)
    assert (cached["units"], cached["cached"]) == (0, True)
    shown = mp(environ, "history", "show", str(good["id"]), "--format", "table").stdout
    assert sql in shown, "as it was typed, with its lines"
    again = mp(environ, "history", "rerun", str(good["id"]))
    assert again.rows == [[1, "two"]]
    assert history(environ, "--client", "human")[0]["arguments"] == {"sql": sql}


def test_an_agent_picks_up_what_the_human_just_did(environ: dict[str, str]) -> None:
    with Agent(environ) as agent:
        agent.call("query_sql", sql="SELECT 'mine'")
        mp(environ, "query", "sql", "SELECT 'theirs'")
        by_human = agent.call("inspect_history", client="human")
        everybody = agent.call("inspect_history")
        (number,) = (row[0] for row in by_human["rows"])
        whole = agent.call("inspect_history", call=number)
        with Agent(environ | {"MP_PROJECT_ID": "1002"}) as other:
            assert other.call("inspect_history")["rows"] == [], "another project's"
    (found,) = (dict(zip(by_human["columns"], row, strict=True)) for row in by_human["rows"])
    assert found["arguments"] == {"sql": "SELECT 'theirs'"}
    assert found["is_own"] is False
    owned = everybody["columns"].index("is_own")
    assert [row[owned] for row in everybody["rows"]] == [True, False, True], "newest first"
    assert dict(zip(whole["columns"], whole["rows"][0], strict=True))["complete"] is True


def test_following_prints_a_call_that_is_made_afterwards_and_goes_on_after_a_restart(
    environ: dict[str, str],
) -> None:
    mp(environ, "query", "sql", "SELECT 'before'")
    following = Command(environ, "history", "-f", "--tool", "query_sql", "--format", "json")
    out = following.process.stdout
    assert out is not None
    assert "before" in out.readline()
    with Agent(environ) as agent:
        agent.call("query_sql", sql="SELECT 'after'")
        assert "SELECT 'after'" in json.loads(out.readline())["arguments"]["sql"]
        assert mp(environ, "server", "stop").code == 0
        agent.call("query_sql", sql="SELECT 'next server'")
        assert "SELECT 'next server'" in json.loads(out.readline())["arguments"]["sql"]


def test_a_secret_is_in_no_file_and_on_no_screen(environ: dict[str, str], home: Home) -> None:
    secret = environ["MP_SECRET"]
    with Agent(environ) as agent:
        agent.call("query_sql", sql=f"SELECT '{secret}' AS mine, 'Bearer abcdefgh12345678' AS x")
        agent.error("query_sql", sql=f"SELECT '{secret}' AS mine, nope")
    shown = [mp(environ, "history", "--format", form).stdout for form in ("json", "table")]
    assert all("SELECT '***'" in text and secret not in text for text in shown)
    assert "abcdefgh12345678" not in "".join(shown)
    refused = mp(environ, "history", "rerun", "1")
    assert refused.code == 3
    assert "secret" in refused.stderr
    mp(environ, "server", "stop")
    kept = [path for path in home.path.rglob("*") if path.is_file()]
    assert home.state in kept
    assert [path for path in kept if secret.encode() in path.read_bytes()] == []


def test_a_query_is_seen_while_it_runs_and_cancelled_from_another_process(
    offline: dict[str, str],
) -> None:
    with Agent(offline) as agent:
        running = agent.start_call("query_sql", sql=ENDLESS)
        wait_until(lambda: mp(offline, "status", "--format", "json").json.get("calls"))
        (call,) = mp(offline, "status", "--format", "json").json["calls"]
        assert call["client"] == f"mp-mcp pid {agent.process.pid}"
        assert (call["tool"], call["arguments"]) == ("query_sql", {"sql": ENDLESS})
        screen = mp(offline, "status", "--format", "table").stdout
        assert ENDLESS in screen
        assert f"mp cancel {call['id']}" in screen or "mp cancel ID" in screen
        stopped = mp(offline, "cancel", call["id"], "--format", "plain")
        assert (stopped.code, stopped.stdout[:9]) == (0, f"{call['id']} stopped")
        result = agent.wait(running)["result"]
        assert result["isError"] is True
        assert result["structuredContent"]["code"] == "call_cancelled"
        assert "cancelled by mp pid" in result["structuredContent"]["message"]
        assert agent.call("query_sql", sql="SELECT 1 AS one")["rows"] == [[1]]
    assert mp(offline, "cancel", call["id"]).code == 4
    assert [one["outcome"] for one in history(offline)] == ["call_cancelled", "ok"]


def test_a_job_is_stopped_by_its_own_id_and_by_the_id_of_its_call(
    environ: dict[str, str], mixpanel: Running
) -> None:
    with last_day_held(mixpanel), Agent(environ) as agent:
        for by_call in (True, False):
            number = agent.start_call("fetch_events", **TEN_DAYS)
            wait_until(lambda: mp(environ, "status").json.get("jobs"))
            found = mp(environ, "status").json
            (call,), (job,) = found["calls"], found["jobs"]
            assert call["job"] == job["job"]
            stopped = mp(environ, "cancel", call["id"] if by_call else job["job"])
            assert stopped.json["state"] == "cancelled"
            result = agent.wait(number)["result"]
            assert result["structuredContent"]["code"] == "job_cancelled"
            assert "stopped by mp pid" in result["structuredContent"]["message"]
        fetched = agent.call("fetch_events", **DAYS)
    *stopped_calls, last = history(environ)
    assert {one["outcome"] for one in stopped_calls} == {"job_cancelled"}
    assert (last["outcome"], last["rows"], last["job"]) == ("ok", fetched["rows"], fetched["job"])


def test_status_starts_no_server_and_opens_no_file(environ: dict[str, str], home: Home) -> None:
    found = mp(environ, "status").json
    assert (found["running"], found["here"]["project_id"]) == (False, "1001")
    assert not home.run.exists()
    assert not Path(home.path / "data").exists()
    assert mp(environ, "cancel", "1").code == 4
