"""The disturbances: kills, stops, noise at the socket, half files, foreign programs, faults.

Never touches a process that is not of the storm's own state folder.
"""

import os
import random
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.chaos.workers import Gate, Worker
from tests.processes.exactness import EXPORT
from tests.processes.foreign import Foreign
from tests.processes.waiting import wait_until

KINDS = {
    "kill the server": 8,
    "kill the server twice": 2,
    "kill a client": 6,
    "ask the server to leave": 2,
    "stop the server": 2,
    "stop a client": 2,
    "noise": 3,
    "half files": 2,
    "a foreign program": 3,
    "a fault of Mixpanel": 3,
}
"""What happens, and how often; a kill counts, the others come in between."""

FAULTS: tuple[dict[str, Any], ...] = (
    {"fault": "terminated_early"},
    {"fault": "error_json_line"},
    {"fault": "cut"},
    {"fault": "broken_gzip"},
    {"fault": "malformed_line"},
    {"fault": "split_line"},
    {"fault": "duplicate_rows"},
    {"fault": "status", "status": 500},
    {"fault": "status", "status": 503},
    {"fault": "redirect"},
    {"fault": "delay", "seconds": 0.3},
    {"fault": "stall", "seconds": 0.3},
)


def environ_of(pid: int) -> bytes:
    """The environment that a process was started with."""
    return Path(f"/proc/{pid}/environ").read_bytes() + b"\0"


HALF = b'\x1f\x8b\x08\x00half a gzip of {"event":"Login","properties":{"time":1735732'
CALL = (
    b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"query_sql",'
    b'"arguments":{"sql":"SELECT 1"}}}\n'
)


class Havoc:
    """Makes trouble as its seed says."""

    def __init__(
        self,
        home: Home,
        mixpanel: Running,
        workers: Sequence[Worker],
        gate: Gate,
        foreign: Foreign,
    ) -> None:
        self._home = home
        self._mixpanel = mixpanel
        self._workers = workers
        self._gate = gate
        self._foreign = foreign
        self._pick = random.Random()
        self._tick = threading.Event()
        self._foreign_is_in = False
        self.done: Counter[str] = Counter()
        self.kills = 0
        self._acts: Mapping[str, Callable[[], None]] = {
            "kill the server": self._kill_server,
            "kill the server twice": self._kill_server_twice,
            "kill a client": self._kill_client,
            "ask the server to leave": self._ask_to_leave,
            "stop the server": self._stop_server,
            "stop a client": self._stop_client,
            "noise": self._noise,
            "half files": self._half_files,
            "a foreign program": self._foreign_program,
            "a fault of Mixpanel": self._fault,
        }

    def seed(self, seed: str) -> None:
        """Choose by this from now on."""
        self._pick.seed(f"{seed}/havoc")

    def rage(self, kills: int) -> None:
        """Disturb until so many more were killed."""
        goal = self.kills + kills
        while self.kills < goal:
            kind = self._pick.choices(list(KINDS), list(KINDS.values()))[0]
            self._gate.wait_for(self._pick.randrange(20), 4.0)
            self._pause(0.3)
            self.done[kind] += 1
            self._acts[kind]()

    def calm(self) -> None:
        """Take back what lasts."""
        self._mixpanel.clear_faults()
        if self._foreign_is_in:
            self._foreign.closes()
            self._foreign_is_in = False

    def _pause(self, longest_s: float) -> None:
        """A moment that falls anywhere within what clients and server do."""
        self._tick.wait(self._pick.random() ** 2 * longest_s)

    def _server(self) -> int | None:
        pid = lease.server_info(self._home).get("pid")
        is_it = isinstance(pid, int) and lease.is_held(self._home) and self._is_ours(pid)
        return pid if is_it else None

    def _is_ours(self, pid: int) -> bool:
        """The note of a killed server may name a process that is somebody else's by now."""
        with suppress(OSError):
            return os.fsencode(f"MP_HOME={self._home.name}\0") in environ_of(pid)
        return False

    def _kill_server(self) -> None:
        found: list[int] = []

        def is_there() -> bool:
            pid = self._server()
            found.extend([pid] if pid else [])
            return bool(found)

        with suppress(AssertionError):
            # Somebody calls within this time, unless everybody waits for a foreign program.
            wait_until(is_there, 10)
        if found:
            with suppress(ProcessLookupError):
                os.kill(found[0], signal.SIGKILL)
                self.kills += 1

    def _kill_server_twice(self) -> None:
        """The second time while it starts."""
        self._kill_server()
        self._pause(1.0)
        self._kill_server()

    def _client(self) -> int | None:
        running = [worker.client.process for worker in self._workers]
        alive = [process.pid for process in running if process and process.poll() is None]
        return self._pick.choice(alive) if alive else None

    def _kill_client(self) -> None:
        pid = self._client()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills += 1

    def _ask_to_leave(self) -> None:
        pid = self._server()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _stop_server(self) -> None:
        self._stop(self._server())

    def _stop_client(self) -> None:
        self._stop(self._client())

    def _stop(self, pid: int | None) -> None:
        if pid is None:
            return
        # Longer than the patience of a greeting, now and then.
        longest = self._pick.choice((0.5, 0.5, 0.5, 7.0))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            self._pause(longest)
            os.kill(pid, signal.SIGCONT)

    def _noise(self) -> None:
        """Somebody writes anything into the socket, and leaves in the middle."""
        words = bytearray(self._pick.choice((CALL, CALL * 50, self._pick.randbytes(5000))))
        for _ in range(self._pick.randrange(20)):
            words[self._pick.randrange(len(words))] = self._pick.randrange(256)
        with suppress(OSError, lease.Absent), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(self._home.address)
            client.sendall(words[: self._pick.randrange(len(words))])
            if self._pick.random() < 0.5:
                client.recv(100)

    def _half_files(self) -> None:
        """A server dies, and leaves more behind than it did."""
        self._kill_server()
        for project in (self._home.path / "spool").glob("*"):
            number = self._pick.randrange(10**6)
            folder = project / f"{self._pick.choice(('load', 'export'))}-{number}"
            folder.mkdir(mode=0o700)
            for name in ("events-2025-03-01-2025-03-02.part", "0.ndjson.gz", "copy.db"):
                (folder / name).write_bytes(HALF * self._pick.randrange(100))

    def _foreign_program(self) -> None:
        """A notebook comes in when the server has died, or leaves."""
        if self._foreign_is_in:
            self._foreign.closes()
            self._foreign_is_in = False
            return
        self._kill_server()
        self._foreign_is_in = self._foreign.opens(read_only=self._pick.random() < 0.4) == "opened"
        self._pause(1.5)

    def _fault(self) -> None:
        order = dict(self._pick.choice(FAULTS))
        self._mixpanel.fault(EXPORT, times=self._pick.randrange(1, 4), **order)
