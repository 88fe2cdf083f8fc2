"""Greeting a server that is still coming up."""

import threading

import pytest

from mp_mcp.front import greet
from mp_mcp.settings import Asking, Home
from tests.unit.front.fake_server import PATIENCE_S, Peer, serving


def test_the_patience_with_a_silent_server_begins_when_it_is_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[bool] = []
    up = threading.Event()

    def is_up(_: Home) -> bool:
        looks.append(len(looks) > 2)
        if looks[-1]:
            up.set()
        return looks[-1]

    def answers_when_it_is_up(peer: Peer) -> None:
        up.wait(PATIENCE_S)
        peer.greet()

    # Three looks at a server that is coming up take longer than this.
    monkeypatch.setattr(greet, "GREETING_PATIENCE_S", 0.5)
    monkeypatch.setattr(greet, "_is_up", is_up)
    with serving(monkeypatch, answers_when_it_is_up) as server:
        greeted = greet.greet(server.home, Asking(), kind="human")
        greeted.socket.close()
    assert looks[:4] == [False, False, False, True]
