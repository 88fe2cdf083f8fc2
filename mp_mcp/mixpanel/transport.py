"""The seam between what Mixpanel can be asked and how it is asked.

Never imports an HTTP library: tools load the client for its types, and must not pay for one.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

from mp_mcp.mixpanel.models import Target

Family = Literal["query", "app", "export"]
"""Which of Mixpanel's hosts answers; each has its own limits and timeouts."""

Params = Mapping[str, str | int | None]
"""Parameters by name; None leaves one out."""


class Transport(Protocol):
    """Asks Mixpanel in the name of one target.

    Every method raises only classes of mp_mcp.errors.
    """

    @property
    def target(self) -> Target:
        """In whose name, and about which project."""

    async def get_json(self, family: Family, path: str, params: Params) -> Any:
        """The decoded answer of a read that is safe to repeat."""

    async def post_form(self, family: Family, path: str, form: Params) -> Any:
        """The decoded answer of a read whose parameters travel in the body."""

    def stream(
        self, family: Family, path: str, params: Params
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The undecoded bytes of a long answer; gzip when Mixpanel compressed it.

        Raises: IncompleteExportError when the answer breaks off, in the middle of the block.
        """

    async def back_off(self, attempt: int) -> None:
        """Wait before repeating something for the `attempt`-th time, counted from 0."""
