"""Short ways to say what Mixpanel answers on the scripted wire."""

from typing import Any

import httpx

from mp_mcp.mixpanel.client import Mixpanel
from tests.unit.mixpanel.conftest import Script, Wire


def answering(script: Script, answer: Any) -> tuple[Mixpanel, Wire]:
    """A handle whose Mixpanel gives this answer again and again, and what it was asked."""
    wire = script(httpx.Response(200, json=answer))
    return Mixpanel(wire.http), wire


def counted(values: dict[str, dict[str, Any]], *series: str) -> dict[str, Any]:
    """An answer of counts over time."""
    return {"data": {"series": list(series), "values": values}, "legend_size": len(values)}
