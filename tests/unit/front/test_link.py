"""The wire: one request, its answer, progress, interrupts and servers that go away."""

import signal
import threading

import pytest

from mp_mcp.error_codes import error_of
from mp_mcp.errors import (
    MpError,
    RateLimitedError,
    ServerUnreachableError,
    ServerVersionError,
    TableMissingError,
)
from mp_mcp.front import greet
from mp_mcp.front.link import ask, call_tool
from mp_mcp.server import lease
from mp_mcp.settings import Asking
from tests.unit.front.fake_server import Message, Peer, answers, serving, state_folder

ASKING = Asking(project_id="1001", secret="s3cret")


def test_a_call_is_a_greeting_and_one_modern_tools_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, answers({"rows": []})) as server:
        reply = call_tool(server.home, ASKING, "query_sql", {"sql": "select 1"})
        [greeting], [call] = server.greetings, server.calls
    assert reply.result == {"rows": []}
    assert greeting["kind"] == "human"
    assert greeting["label"].startswith("mp pid ")
    assert greeting["asking"] == ASKING.as_dict()
    assert call["name"] == "query_sql"
    assert call["arguments"] == {"sql": "select 1"}
    assert call["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"


def test_progress_is_watched_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    told = ({"progress": 1, "total": 4, "message": "day 1"}, {"progress": 2, "message": "day 2"})
    seen: list[str] = []
    with serving(monkeypatch, answers({}, progress=told)) as server:
        call_tool(
            server.home, ASKING, "x", {}, watch=lambda p: seen.append(p["message"]) if p else None
        )
    assert seen == ["day 1", "day 2"]


def test_a_silent_server_ticks_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    ticked = threading.Event()

    def slow(peer: Peer) -> None:
        peer.greet()
        peer.hear()
        assert ticked.wait(10)
        peer.tell(id=1, result={"structuredContent": {"ok": True}})

    with serving(monkeypatch, slow) as server:
        reply = call_tool(server.home, ASKING, "x", {}, watch=lambda _: ticked.set())
    assert reply.result == {"ok": True}


def test_an_answer_may_arrive_in_pieces_and_be_large(monkeypatch: pytest.MonkeyPatch) -> None:
    content: Message = {"rows": [["x" * 1000] for _ in range(2000)]}
    with serving(monkeypatch, answers(content)) as server:
        assert call_tool(server.home, ASKING, "x", {}).result == content


def test_an_error_result_is_raised_as_its_class(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"code": "table_missing", "message": "No table t.", "hint": "Fetch it."}
    with (
        serving(monkeypatch, answers(found, is_error=True)) as server,
        pytest.raises(TableMissingError, match="No table t") as raised,
    ):
        call_tool(server.home, ASKING, "x", {})
    assert raised.value.hint == "Fetch it."


def test_a_refused_request_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(peer: Peer) -> None:
        peer.greet()
        peer.hear()
        peer.tell(id=None, error={"code": -32600, "message": "Too long"})

    with (
        serving(monkeypatch, refusing) as server,
        pytest.raises(ServerVersionError, match="Too long"),
    ):
        ask(server.home, ASKING, "mp/new")


def test_an_answer_without_structure_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(peer: Peer) -> None:
        peer.greet()
        peer.hear()
        peer.tell(id=1, result={"content": []})

    with serving(monkeypatch, odd) as server, pytest.raises(ServerVersionError):
        call_tool(server.home, ASKING, "x", {})


def test_a_cut_before_the_first_answer_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(peer: Peer) -> None:
        peer.hear()

    with serving(monkeypatch, cut, Peer.close, answers({"ok": 1})) as server:
        assert call_tool(server.home, ASKING, "x", {}).result == {"ok": 1}
        assert len(server.peers) == 3
        assert len(server.calls) == 1


def test_a_leaving_server_is_left_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaving(peer: Peer) -> None:
        peer.greet(leaving=True)
        peer.hear()

    with serving(monkeypatch, leaving, answers({"ok": 1})) as server:
        assert call_tool(server.home, ASKING, "x", {}).result == {"ok": 1}
        assert len(server.calls) == 1


def test_a_call_that_was_cut_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def dying(peer: Peer) -> None:
        peer.greet()
        peer.hear()

    with (
        serving(monkeypatch, dying) as server,
        pytest.raises(ServerUnreachableError, match="went away during the call") as raised,
    ):
        call_tool(server.home, ASKING, "x", {})
    assert raised.value.retryable
    assert len(server.calls) == 1


def test_an_interrupt_cancels_the_call_on_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    main = threading.main_thread().ident
    assert main is not None
    last: list[Message | None] = []

    def slow(peer: Peer) -> None:
        peer.greet()
        peer.hear()
        peer.tell(method="notifications/progress", params={"progressToken": 1, "progress": 1})
        last.append(peer.hear())

    def interrupt(progress: object) -> None:
        signal.pthread_kill(main, signal.SIGINT)

    with serving(monkeypatch, slow) as server, pytest.raises(KeyboardInterrupt):
        call_tool(server.home, ASKING, "x", {}, watch=interrupt)
    [message] = last
    assert message is not None
    assert message["method"] == "notifications/cancelled"
    assert message["params"] == {"requestId": 1}


def test_a_server_that_must_not_be_started_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    with state_folder(monkeypatch) as home, pytest.raises(lease.Absent):
        ask(home, ASKING, "mp/status", start=False)


def test_every_code_of_the_wire_becomes_its_class() -> None:
    error = error_of({"code": "rate_limited", "message": "Later.", "retry_after": 60, "new": 1})
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == 60


def test_a_code_of_a_newer_server_is_still_an_error() -> None:
    error = error_of({"code": "invented_later", "message": "Hm."})
    assert type(error) is MpError
    assert error.message == "Hm."


def test_a_server_that_took_long_to_start_has_its_time_to_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    is_up = threading.Event()
    looks = iter([False, False, True])

    def look(_: object) -> bool:
        if next(looks, True):
            is_up.set()
        return is_up.is_set()

    def slow(peer: Peer) -> None:
        peer.hear()
        assert is_up.wait(10)
        peer.tell(id="hello", result={"version": "0.1.0", "pid": 1})

    # Two looks, a quarter of a second each, take longer than this.
    monkeypatch.setattr(greet, "GREETING_PATIENCE_S", 0.4)
    monkeypatch.setattr(greet, "_is_up", look)
    with serving(monkeypatch, slow) as server:
        assert ask(server.home, ASKING, None).pid == 1
