"""A leaving server starts nothing more; what it did not start, its clients ask the next one."""

import threading

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, mp
from tests.processes.waiting import wait_until

STOPS = 4


class Loops:
    """A human and an agent who ask again and again, each in a thread, until told to end."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ
        self._done = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._human, self._agent)]
        self.asked = {"human": 0, "agent": 0}
        self.wrong: list[object] = []
        for thread in self._threads:
            thread.start()

    def _human(self) -> None:
        while not self._done.is_set():
            self.asked["human"] += 1
            found = mp(self._environ, "query", "sql", "SELECT 42")
            if found.code != 0 or found.rows != [[42]]:
                self.wrong.append(found)

    def _agent(self) -> None:
        with Agent(self._environ) as client:
            while not self._done.is_set():
                self.asked["agent"] += 1
                if client.call("query_sql", sql="SELECT 43")["rows"] != [[43]]:
                    self.wrong.append("agent")

    def wait_for_more(self) -> None:
        """Until both have asked again."""
        before = dict(self.asked)
        wait_until(lambda: all(self.asked[who] > before[who] for who in before))

    def end(self) -> None:
        """Stop asking."""
        self._done.set()
        for thread in self._threads:
            thread.join(60)


def test_stopping_the_server_again_and_again_fails_no_call(
    offline: dict[str, str], home: Home
) -> None:
    loops = Loops(offline)
    for _ in range(STOPS):
        loops.wait_for_more()
        assert mp(offline, "server", "stop").code == 0
    loops.end()
    assert loops.wrong == []


def test_a_client_that_reads_nothing_does_not_hold_up_the_end(
    offline: dict[str, str], home: Home
) -> None:
    mp(offline, "inspect", "workspace")
    deaf = lease.dial(home)
    listing = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{'
    listing += b'"io.modelcontextprotocol/protocolVersion":"2026-07-28",'
    listing += b'"io.modelcontextprotocol/clientCapabilities":{}}}}\n'
    try:
        deaf.sendall(listing * 200)
        assert mp(offline, "server", "stop").code == 0
        assert not lease.is_held(home)
    finally:
        deaf.close()


def test_asking_for_the_status_never_displaces_the_server(
    offline: dict[str, str], home: Home
) -> None:
    pid = mp(offline, "inspect", "workspace").json["server_pid"]
    client = lease.dial(home)
    client.sendall(b'{"jsonrpc":"2.0","id":"hello","method":"mp/hello","params":{"version":"0"}}\n')
    assert b'"leaving":false' in client.recv(1 << 16)
    client.close()
    assert mp(offline, "server", "status", "-f", "json").json["pid"] == pid
