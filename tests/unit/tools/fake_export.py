"""An export whose answers a test decides: a Mixpanel on the other side of the transport seam.

Never reaches the network, and remembers which windows were asked with which filters.
"""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date
from typing import Any, NoReturn

from mp_mcp.mixpanel.client import MixpanelExport
from mp_mcp.mixpanel.models import Credentials, Target, Window
from mp_mcp.mixpanel.transport import Decode, Family, Params, Question


class FakeExport(MixpanelExport):
    """Every window is one line long; `before_export` runs before each, and may fail."""

    def __init__(
        self, *, before_export: Callable[[Window], Any] | None = None, content: bytes = b"{}\n"
    ) -> None:
        super().__init__(self)
        self.target = Target(Credentials("oauth", "token"), "42")
        self.windows: list[Window] = []
        self.asked: list[tuple[tuple[str, ...], str | None]] = []
        self._before_export = before_export
        self._content = content

    async def ask(
        self,
        question: Question,
        decode: Decode | None = None,  # noqa: ARG002 - the protocol's
    ) -> NoReturn:
        """Nobody should."""
        raise AssertionError(f"an export asked {question.path}")

    async def back_off(self, attempt: int) -> None:
        """At once."""

    def stream(
        self, family: Family, path: str, params: Params
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """One window."""
        assert (family, path) == ("export", "/export")
        return self._stream(params)

    @asynccontextmanager
    async def _stream(self, params: Params) -> AsyncIterator[AsyncIterator[bytes]]:
        first, last = (date.fromisoformat(str(params[name])) for name in ("from_date", "to_date"))
        window = Window(first, last)
        self.windows.append(window)
        events, where = params["event"], params["where"]
        self.asked.append(
            (tuple(json.loads(str(events or "[]"))), where if where is None else str(where))
        )
        if self._before_export is not None:
            found = self._before_export(window)
            if found is not None:
                await found

        async def pieces() -> AsyncIterator[bytes]:
            yield self._content

        yield pieces()
