"""One cache for everybody: an answer is asked for once, and says how old it is."""

import pytest

from mp_mcp.demo.running import Running
from tests.processes.agents import PATIENCE_S, Agent, Command, mp

NAMES = "/api/query/events/names"


@pytest.fixture
def mixpanel(mixpanel: Running) -> Running:
    """Without what other tests asked."""
    mixpanel.clear_requests()
    return mixpanel


def test_a_second_call_is_answered_from_the_cache_and_says_since_when(
    environ: dict[str, str], mixpanel: Running
) -> None:
    first = mp(environ, "inspect", "events")
    second = mp(environ, "inspect", "events")
    assert first.rows == second.rows
    assert "cached_at" not in first.json
    assert second.json["cached_at"].endswith("Z")
    assert f"cached at {second.json['cached_at']}; --fresh asks again" in second.stderr
    assert len(mixpanel.requests(NAMES)) == 1


def test_an_agent_gets_what_a_person_asked_for_and_a_restart_forgets_nothing(
    environ: dict[str, str], mixpanel: Running
) -> None:
    asked = mp(environ, "inspect", "events").rows
    mp(environ, "server", "stop")
    with Agent(environ) as agent:
        found = agent.call("inspect_events")
        assert (found["rows"], "cached_at" in found) == (asked, True)
        assert "cached_at" not in agent.call("inspect_events", fresh=True)
    assert len(mixpanel.requests(NAMES)) == 2


def test_fresh_asks_again(environ: dict[str, str], mixpanel: Running) -> None:
    mp(environ, "inspect", "events")
    assert "cached_at" not in mp(environ, "--fresh", "inspect", "events").json
    assert "cached_at" not in mp(environ, "inspect", "events", "--fresh").json
    assert len(mixpanel.requests(NAMES)) == 3


def test_six_programs_that_ask_the_same_at_once_make_one_request(
    environ: dict[str, str], mixpanel: Running
) -> None:
    mp(environ, "server", "start")
    mixpanel.fault(NAMES, "delay", seconds=2)
    commands = [Command(environ, "inspect", "events") for _ in range(6)]
    answers = [command.finish() for command in commands]
    assert len({str(answer.rows) for answer in answers}) == 1
    (request,) = mixpanel.requests(NAMES)
    assert request["fault"] == "delay", "the answer came before the others could ask"


def test_a_wrong_secret_gets_no_cached_answer_of_the_right_one(
    environ: dict[str, str], mixpanel: Running
) -> None:
    assert mp(environ, "inspect", "events").code == 0
    refused = mp(environ | {"MP_SECRET": "wrong-s3cret"}, "inspect", "events")
    assert (refused.code, refused.stdout) == (2, "")
    assert "wrong-s3cret" not in refused.stderr


def test_top_events_are_asked_for_each_time(environ: dict[str, str], mixpanel: Running) -> None:
    for _ in range(2):
        assert "cached_at" not in mp(environ, "inspect", "top-events").json
    assert len(mixpanel.requests("/api/query/events/top")) == 2


def test_an_agent_hears_of_a_slow_call_while_it_runs(
    environ: dict[str, str], mixpanel: Running
) -> None:
    with Agent(environ) as agent:
        agent.call("inspect_workspace")
        mixpanel.fault("/api/app/projects", "delay", seconds=5)
        call = agent.start_call("inspect_bookmarks", limit=1, fresh=True)
        note = agent.notes.get(timeout=PATIENCE_S)
        assert agent.replies[call].empty(), "the note came after the answer"
        assert note["method"] == "notifications/progress"
        assert note["params"]["progressToken"] == "progress of inspect_bookmarks"
        assert agent.finish(call)["row_count"] == 1
