"""A fetch as a command: followed to its end, through servers that go, and stopped by Ctrl-C."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mp_mcp.errors import (
    CredentialsError,
    JobCancelledError,
    MpError,
    NotFoundError,
    RateLimitedError,
    ServerUnreachableError,
)
from mp_mcp.front import follow
from mp_mcp.front.follow import RESTARTS
from mp_mcp.front.greet import label
from mp_mcp.front.link import Reply, unwatched
from mp_mcp.settings import Asking
from tests.unit.front.fake_server import Message, Peer, serving

OURS = label("human")


class Server:
    """Answers each call with what comes next: a job, or an error to raise."""

    def __init__(self, *answers: Message | BaseException) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.said: list[str] = []
        self._answers = list(answers)

    def call(self, tool: str, arguments: Mapping[str, Any]) -> Reply:
        """One call."""
        self.calls.append((tool, dict(arguments)))
        answer = self._answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return Reply(1, "0.1.0", answer)

    def follow(self) -> Message:
        """What following `job-1` brings."""
        return follow.follow(self.call, "job-1", self.said.append).result

    @property
    def tools(self) -> list[str]:
        """What was called, in order."""
        return [tool for tool, _ in self.calls]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PAUSE_S", 0)


def job(state: str, **facts: Any) -> Message:
    return {"job": "job-1", "state": state, "client": OURS, **facts}


DONE = job("done", result={"rows": 7})


def test_a_job_is_waited_for_in_turns_until_it_is_done() -> None:
    server = Server(job("running"), job("running"), DONE)
    assert server.follow() == {"rows": 7}
    assert server.calls == [("wait_job", {"job": "job-1", "timeout": 30.0})] * 3


def test_a_job_goes_on_at_the_next_server() -> None:
    gone = ServerUnreachableError("went away")
    server = Server(job("running"), gone, gone, job("interrupted"), job("running"), DONE)
    assert server.follow() == {"rows": 7}


def test_servers_that_never_come_back_are_an_error() -> None:
    server = Server(*[ServerUnreachableError("went away")] * (RESTARTS + 1))
    with pytest.raises(ServerUnreachableError):
        server.follow()


def test_servers_that_answer_in_between_may_go_away_again_and_again() -> None:
    gone = ServerUnreachableError("went away")
    answers: list[Message | BaseException] = [gone, job("running")]
    server = Server(*answers * (RESTARTS + 3), DONE)
    assert server.follow() == {"rows": 7}


@pytest.mark.parametrize("error", [RateLimitedError("spent"), NotFoundError("no such job")])
def test_the_error_of_a_job_is_the_commands(error: MpError) -> None:
    server = Server(job("running"), error)
    with pytest.raises(type(error)):
        server.follow()
    assert server.tools == ["wait_job", "wait_job"]


def test_a_job_that_waits_for_credentials_is_told_with_the_reason_and_left_alone() -> None:
    error = {"code": "credentials", "message": "The keyring is locked."}
    server = Server(job("needs_credentials", hint="Connect with some.", error=error))
    with pytest.raises(CredentialsError, match=r"job-1 waits.*The keyring is locked") as caught:
        server.follow()
    assert caught.value.hint == "Connect with some."
    assert server.tools == ["wait_job"]


def test_ctrl_c_stops_the_job_and_says_what_stays() -> None:
    stopped = job("cancelled", progress="3 of 10 days, 1,000 events, 0.1 MB")
    server = Server(KeyboardInterrupt(), job("running"), stopped)
    with pytest.raises(KeyboardInterrupt):
        server.follow()
    assert server.tools == ["wait_job", "wait_job", "cancel_job"]
    assert "Ctrl-C again" in server.said[0]
    assert server.said[1].startswith("stopped: 3 of 10 days, 1,000 events, 0.1 MB. What is loaded")


def test_ctrl_c_leaves_a_job_alone_that_somebody_else_began() -> None:
    server = Server(KeyboardInterrupt(), job("running", client="mp-mcp pid 7"))
    with pytest.raises(KeyboardInterrupt):
        server.follow()
    assert "cancel_job" not in server.tools
    [said] = server.said
    assert "mp-mcp pid 7 started it" in said
    assert "`mp cancel job job-1`" in said


def test_a_second_ctrl_c_does_not_wait_for_the_end() -> None:
    server = Server(KeyboardInterrupt(), job("running"), KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        server.follow()
    assert len(server.said) == 1


@pytest.mark.parametrize(
    "found", [ServerUnreachableError("no server"), JobCancelledError("was stopped")]
)
def test_ctrl_c_says_when_nothing_could_be_stopped(found: MpError) -> None:
    server = Server(KeyboardInterrupt(), found)
    with pytest.raises(KeyboardInterrupt):
        server.follow()
    assert server.said == [found.message]


def test_ctrl_c_that_comes_after_the_end_says_so() -> None:
    server = Server(KeyboardInterrupt(), job("running"), DONE)
    with pytest.raises(KeyboardInterrupt):
        server.follow()
    assert server.said[-1] == "job-1 had ended already: done"


def jobs_of(*answers: Message) -> Callable[[Peer], None]:
    """A server that answers the calls of one connection each with what comes next."""
    pending = list(answers)

    def script(peer: Peer) -> None:
        peer.greet()
        while (request := peer.hear()) is not None:
            result = {"structuredContent": pending.pop(0), "isError": False, "content": []}
            peer.tell(id=request["id"], result=result)

    return script


def test_a_fetch_is_started_detached_and_then_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, jobs_of(job("running"), DONE)) as server:
        reply = follow.run_job(
            server.home, Asking(), "fetch_events", {"table": "t"}, unwatched, print
        )
        calls = [(call["name"], call["arguments"]) for call in server.calls]
    assert reply.result == {"rows": 7}
    assert calls == [
        ("fetch_events", {"table": "t", "detach": True}),
        ("wait_job", {"job": "job-1", "timeout": 30.0}),
    ]


@pytest.mark.parametrize(
    ("arguments", "answer"), [({"detach": True}, job("running")), ({}, {**DONE, "rows": 1})]
)
def test_a_detached_or_finished_fetch_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, arguments: Message, answer: Message
) -> None:
    with serving(monkeypatch, jobs_of(answer)) as server:
        reply = follow.run_job(server.home, Asking(), "fetch_events", arguments, unwatched, print)
        assert [call["name"] for call in server.calls] == ["fetch_events"]
    assert reply.result == answer


def test_waiting_with_a_timeout_ends_with_how_the_job_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(monkeypatch, jobs_of(job("running"))) as server:
        arguments = {"job": "job-1", "timeout": 0.0}
        reply = follow.wait(server.home, Asking(), arguments, unwatched)
        [call] = server.calls
    assert reply.result["state"] == "running"
    assert call["arguments"] == {"job": "job-1", "timeout": 0.0}
