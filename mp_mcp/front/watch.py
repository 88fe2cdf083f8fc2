"""What a pump cannot read from its pipes: that its host has died, that its server was stopped.

Never ends a process other than its own. Standard library only.
"""

import os
import threading
import time
from collections.abc import Callable

from mp_mcp.errors import MpError
from mp_mcp.front.greet import STOPPED_PATIENCE_S
from mp_mcp.server import lease
from mp_mcp.server.processes import LOOK_S, StoppedFor

PARENT_LOOK_S = 2.0


class Watch:
    """Looks after one pump, in a thread of its own.

    `waits_for` is the server that has open requests, None while there are none; `report` is told
    why it does not answer; `orphaned` is called when the host has gone and left the pipe open.
    """

    def __init__(
        self,
        waits_for: Callable[[], int | None],
        report: Callable[[MpError], None],
        orphaned: Callable[[], None],
    ) -> None:
        self._waits_for = waits_for
        self._report = report
        self._orphaned = orphaned
        self._parent = os.getppid()
        self._asked = threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def asked(self) -> None:
        """A request is on its way."""
        self._asked.set()

    def _look(self) -> None:
        stopped = StoppedFor()
        while True:
            self._asked.wait(PARENT_LOOK_S)
            self._asked.clear()
            while (pid := self._waits_for()) is not None and not self._is_orphan():
                if stopped.seconds(pid) > STOPPED_PATIENCE_S:
                    self._report(lease.hung(pid))
                time.sleep(LOOK_S)
            if self._is_orphan():
                self._orphaned()

    def _is_orphan(self) -> bool:
        return os.getppid() != self._parent
