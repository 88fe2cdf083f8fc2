"""The Progress handle: how a running tool tells its caller that it is alive.

Never decides how progress is shown: a front renders it, MCP carries it.
"""

from collections.abc import Awaitable, Callable

from mp_mcp.tool import Handle

Report = Callable[[float, float | None, str | None], Awaitable[None]]
"""`(done, total, message)`; done must not decrease within a call."""


async def no_report(done: float, total: float | None, message: str | None) -> None:
    """Report to nobody."""


class Progress(Handle):
    """Lent to tools that take long."""

    def __init__(self, report: Report = no_report) -> None:
        self._report = report

    async def __call__(
        self, done: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Say how far the call is; `message` is one short line."""
        await self._report(done, total, message)
