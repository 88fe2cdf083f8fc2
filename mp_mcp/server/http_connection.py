"""One connection to the HTTP door: it has to ask something, and soon.

Never lets connections that ask nothing take the places of those that do: without a token anybody
could open them until no file is left for the other door.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from mp_mcp.server import open_files

REQUEST_S = 10.0
"""So much time has a request to arrive, from its first byte or the connection to its last byte."""

MOST_CONNECTIONS = 512
"""Or a quarter of what may be open, where that is less: many more are accepted at once."""


class Connection(H11Protocol):
    """uvicorn's, which by itself waits for a request for ever."""

    _patience: asyncio.TimerHandle | None = None
    """Runs while a request is awaited or arrives."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """One more; when it is one too many, the one that has been silent for longest goes."""
        super().connection_made(transport)
        self._be_patient()
        if len(self.connections) > min(MOST_CONNECTIONS, open_files.allowed() // 4):
            silent = [each for each in self.connections if isinstance(each, Connection)]
            min(silent, key=Connection.patient_until)._give_up()

    def data_received(self, data: bytes) -> None:
        """Read on; a request that is complete may take its time to be answered."""
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._lean_back()
        elif self._patience is None:
            self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._lean_back()
        super().connection_lost(exc)

    def patient_until(self) -> float:
        """When it gives up, on the loop's clock."""
        return self._patience.when() if self._patience else float("inf")

    def _be_patient(self) -> None:
        self._patience = self.loop.call_later(REQUEST_S, self._give_up)

    def _lean_back(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._lean_back()
        self.transport.abort()
