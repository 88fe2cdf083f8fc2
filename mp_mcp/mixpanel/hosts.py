"""Where each family of endpoints lives, and how a request there names its project.

Never connects to anything. A region changes the host, never the path.
"""

from mp_mcp.mixpanel.models import Target
from mp_mcp.mixpanel.transport import Family
from mp_mcp.resolve import Region

_HOSTS: dict[Family, str] = {
    "query": "https://{prefix}mixpanel.com/api/query",
    "app": "https://{prefix}mixpanel.com/api/app",
    "export": "https://data{suffix}.mixpanel.com/api/2.0",
}
_REGIONS: dict[Region, tuple[str, str]] = {
    "us": ("", ""),
    "eu": ("eu.", "-eu"),
    "in": ("in.", "-in"),
}
_OVERRIDES: dict[Family, str] = {"query": "/api/query", "app": "/api/app", "export": "/api/2.0"}


def base_of(family: Family, target: Target) -> str:
    """Where a family of endpoints lives for this target."""
    return base_at(family, target.region, target.base_url)


def base_at(family: Family, region: Region, base_url: str | None) -> str:
    """Where a family of endpoints lives in a region, or behind another base URL."""
    if base_url:
        return base_url.rstrip("/") + _OVERRIDES[family]
    prefix, suffix = _REGIONS[region]
    return _HOSTS[family].format(prefix=prefix, suffix=suffix)


def scope_of(family: Family, target: Target) -> dict[str, str | int | None]:
    """Which project is meant; app paths name it themselves, a project secret is bound to one."""
    if family == "app":
        return {}
    is_bound = target.credentials.kind == "project_secret"
    return {
        "project_id": None if is_bound else target.project_id or None,
        # Data views never apply to the raw export.
        "workspace_id": target.workspace_id if family == "query" else None,
    }
