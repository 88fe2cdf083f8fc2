import json

import pytest

from mp_mcp import __version__
from mp_mcp.front.agent import REPEATS
from mp_mcp.server.lease import LONGEST_LINE
from tests.unit.front.fake_server import Peer, serving
from tests.unit.front.pumped import Pumped, dying_after, echo

Patch = pytest.MonkeyPatch
both_eras = pytest.mark.parametrize("is_modern", [False, True])


def methods(peer: Peer) -> list[str]:
    """What a connection heard after its greeting."""
    assert peer.heard[0]["method"] == "mp/hello"
    return [message["method"] for message in peer.heard[1:]]


def test_lines_pass_both_ways_as_they_are(monkeypatch: Patch) -> None:
    answer = b'{"jsonrpc":"2.0",  "id":1,"result":{"text":"\\u00e9 \xc3\xa9 \\/"}}\n'

    def script(peer: Peer) -> None:
        peer.greet()
        peer.hear()
        peer.socket.sendall(answer[:10])
        peer.socket.sendall(answer[10:])
        peer.hear()

    with serving(monkeypatch, script) as server, Pumped() as pumped:
        pumped.ask(1, "tools/call", name="é\n\\")
        assert pumped.hear_line() == answer
        assert pumped.end() == 0
    assert server.calls == [{"name": "é\n\\"}]


def test_megabytes_pass_both_ways(monkeypatch: Patch) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        message = peer.hear()
        assert message is not None
        peer.tell(id=1, result=message["params"])
        peer.hear()

    with serving(monkeypatch, script), Pumped() as pumped:
        pumped.ask(1, "tools/list", text="x" * 2_000_000)
        assert pumped.hear()["result"] == {"text": "x" * 2_000_000}


def test_what_no_server_would_read_is_refused_and_ends_nothing(monkeypatch: Patch) -> None:
    with serving(monkeypatch, echo) as server, Pumped() as pumped:
        pumped.ask(1, "tools/list")
        pumped.hear()
        pumped.ask(2, "tools/call", text="x" * LONGEST_LINE)
        assert pumped.hear()["result"]["structuredContent"]["code"] == "usage"
        pumped.note("notifications/progress", {"text": "x" * LONGEST_LINE})
        pumped.ask(3, "tools/list")
        assert pumped.hear()["id"] == 3
    assert len(server.peers) == 1


def test_the_server_is_told_who_asks_and_with_what(monkeypatch: Patch) -> None:
    with serving(monkeypatch, echo) as server:
        monkeypatch.setenv("MP_SECRET", "s3cret")
        with Pumped("--project", "7") as pumped:
            pumped.ask(1, "tools/list")
            pumped.hear()
    (greeting,) = server.greetings
    assert greeting == {
        "version": __version__,
        "kind": "agent",
        "label": f"mp-mcp pid {pumped.process.pid}",
        "asking": {"secret": "s3cret", "project_id": "7", "lock_wait_s": 5.0},
    }


def test_requests_of_the_server_and_their_answers_pass(monkeypatch: Patch) -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.hear()
        peer.tell(id="from server", method="roots/list")
        answer = peer.hear()
        assert answer is not None
        peer.tell(id=1, result=answer["result"])
        peer.hear()

    with serving(monkeypatch, script), Pumped() as pumped:
        pumped.ask(1, "tools/call")
        assert pumped.hear()["method"] == "roots/list"
        pumped.say({"jsonrpc": "2.0", "id": "from server", "result": {"roots": []}})
        assert pumped.hear()["result"] == {"roots": []}


@both_eras
def test_a_call_that_was_running_when_the_server_went_is_an_error_result(
    monkeypatch: Patch, is_modern: bool
) -> None:
    with serving(monkeypatch, dying_after(1), echo) as server, Pumped() as pumped:
        pumped.ask(1, "tools/call", is_modern=is_modern, name="query_sql")
        answer = pumped.hear()
        pumped.ask(2, "tools/call", is_modern=is_modern, name="query_sql")
        assert pumped.hear() == {"jsonrpc": "2.0", "id": 2, "result": {"heard": "tools/call"}}
    assert (answer["id"], answer["result"]["isError"]) == (1, True)
    told = answer["result"]["structuredContent"]
    assert (told["code"], told["retryable"]) == ("server_unreachable", True)
    assert "restarted while this call ran" in told["message"]
    assert json.loads(answer["result"]["content"][0]["text"]) == told
    assert answer["result"].get("resultType") == ("complete" if is_modern else None)
    assert len(server.peers) == 2, "and nothing was called twice"
    assert len(server.calls) == 2


@pytest.mark.parametrize("method", ["tools/list", "server/discover", "initialize", "ping"])
def test_a_request_that_only_asks_is_repeated(monkeypatch: Patch, method: str) -> None:
    with serving(monkeypatch, dying_after(1), dying_after(1), echo) as server, Pumped() as pumped:
        pumped.ask(1, method)
        assert pumped.hear() == {"jsonrpc": "2.0", "id": 1, "result": {"heard": method}}
        assert pumped.end() == 0
    assert [methods(peer) for peer in server.peers] == [[method]] * 3


def test_all_that_is_open_is_settled_when_the_server_goes(monkeypatch: Patch) -> None:
    with serving(monkeypatch, dying_after(4), echo) as server, Pumped() as pumped:
        for number, method in enumerate(["tools/call", "tools/list", "tools/call", "ping"]):
            pumped.ask(number, method)
        answers = {answer["id"]: answer["result"] for answer in (pumped.hear() for _ in range(4))}
        assert pumped.end() == 0
    assert [answers[number].get("heard") for number in range(4)] == [
        None,
        "tools/list",
        None,
        "ping",
    ]
    assert methods(server.peers[1]) == ["tools/list", "ping"]


def test_a_request_that_ends_every_server_is_given_up(monkeypatch: Patch) -> None:
    with serving(monkeypatch, dying_after(1)) as server, Pumped() as pumped:
        pumped.ask(1, "tools/list")
        assert "restarted" in pumped.hear()["error"]["message"]
        assert len(server.peers) == 1 + REPEATS
        pumped.ask(2, "tools/call")
        assert pumped.hear()["result"]["isError"] is True


def test_a_cancelled_request_is_forgotten(monkeypatch: Patch) -> None:
    with serving(monkeypatch, dying_after(3), echo) as server, Pumped() as pumped:
        pumped.ask(1, "tools/call")
        pumped.note("notifications/cancelled", {"requestId": 1})
        pumped.ask(2, "tools/list")
        assert pumped.hear()["id"] == 2
        assert pumped.end() == 0
    assert [methods(peer)[-1] for peer in server.peers] == ["tools/list"] * 2


@pytest.mark.parametrize("params", [[1], 5, "x", {"requestId": [1]}, {"requestId": None}])
def test_a_malformed_cancellation_is_the_servers_business(
    monkeypatch: Patch, params: object
) -> None:
    with serving(monkeypatch, echo), Pumped() as pumped:
        pumped.ask(1, "tools/list")
        pumped.hear()
        pumped.note("notifications/cancelled", params)
        pumped.ask(2, "tools/list")
        assert pumped.hear()["id"] == 2


def test_the_handshake_is_replayed_and_its_answer_swallowed_at_every_restart(
    monkeypatch: Patch,
) -> None:
    def until_a_call(peer: Peer) -> None:
        """Answer the handshake, and go without a word when a call comes."""
        peer.greet()
        while (message := peer.hear()) is not None and message["method"] != "tools/call":
            if "id" in message:
                peer.tell(id=message["id"], result={"heard": message["method"]})

    with serving(monkeypatch, until_a_call) as server, Pumped() as pumped:
        pumped.ask(0, "initialize", clientInfo={"name": "host"})
        assert pumped.hear()["id"] == 0
        pumped.note("notifications/initialized")
        for number in (1, 2, 3):
            pumped.ask(number, "tools/call")
            answer = pumped.hear()
            assert (answer["id"], answer["result"]["isError"]) == (number, True)
        assert pumped.end() == 0
    assert len(server.peers) == 3
    for peer in server.peers:
        assert methods(peer) == ["initialize", "notifications/initialized", "tools/call"]
        assert peer.heard[1]["params"] == {"clientInfo": {"name": "host"}}


def test_a_notification_alone_does_not_bring_a_server_back(monkeypatch: Patch) -> None:
    with serving(monkeypatch, dying_after(1), echo) as server, Pumped() as pumped:
        pumped.ask(1, "tools/call")
        assert pumped.hear()["result"]["isError"]
        pumped.note("notifications/cancelled", {"requestId": 1})
        pumped.ask(2, "tools/list")
        pumped.hear()
    assert methods(server.peers[1]) == ["tools/list"]
