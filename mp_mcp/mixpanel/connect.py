"""How Mixpanel's handles come to life: one pool, one budget and one cache for all clients.

Never imported by tools: it loads the HTTP library.
"""

from mp_mcp.mixpanel.budget import Budget
from mp_mcp.mixpanel.cache import MOST_BYTES, AnswerCache
from mp_mcp.mixpanel.client import Mixpanel, MixpanelExport
from mp_mcp.mixpanel.http import Http, Pool, make_client
from mp_mcp.mixpanel.models import Target
from mp_mcp.mixpanel.transport import Transport
from mp_mcp.mixpanel.zones import Zones
from mp_mcp.state import State


def open_pool() -> Pool:
    """Connections for all accounts and projects. Raises: SettingsError."""
    return make_client()


class SharedMixpanel:
    """What all clients share on their way to Mixpanel; it owns the pool."""

    def __init__(
        self, pool: Pool, state: State, budget: Budget, most_bytes: int = MOST_BYTES
    ) -> None:
        self._pool = pool
        self._budget = budget
        self._cache = AnswerCache(state, most_bytes=most_bytes)
        self._zones = Zones(self._cache)

    def transport(self, target: Target) -> Transport:
        """What asks in the name of `target`, within the budget of its project."""
        return Http(self._pool, target, self._budget)

    def reports(self, target: Target, *, fresh: bool) -> Mixpanel:
        """A handle for one call; `fresh` takes nothing from the cache."""
        transport = self.transport(target)
        return Mixpanel(transport, cache=self._cache, zones=self._zones, fresh=fresh)

    def exports(self, target: Target) -> MixpanelExport:
        """A handle for one download."""

        def left() -> int:
            usage = self._budget.usage_of(target.project_key, "export")
            return max(0, usage.limit - usage.used)

        return MixpanelExport(self.transport(target), zones=self._zones, exports_left=left)

    async def close(self) -> None:
        """End what is still asked, and let go of the connections."""
        await self._zones.close()
        await self._cache.close()
        await self._pool.aclose()
