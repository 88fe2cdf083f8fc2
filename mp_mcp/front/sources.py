"""Which account, project and region `mp` would use here, and where each of them comes from.

Never decides that itself: it explains what `resolve` finds.
"""

import os
from collections.abc import Mapping
from typing import Any

from mp_mcp.accounts import Stored, read_stored
from mp_mcp.front.flags import Flags
from mp_mcp.resolve import LOGIN, Resolved, resolve
from mp_mcp.settings import Home, asking


def explained(home: Home, flags: Flags, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Settings in use and their sources. Raises: SettingsError, CredentialsError."""
    stored = read_stored(home)
    found = resolve(
        asking(environ, account=flags.account, project=flags.project, workspace=flags.workspace),
        stored,
    )
    given = {} if flags.account else environ
    return {
        "configured": found.has_credentials,
        "account": found.account,
        "username": found.username,
        "project_id": found.project_id,
        "region": found.region,
        "workspace_id": found.workspace_id,
        "base_url": found.base_url,
        "source": found.source,
        "why": _why(found, stored, flags, given),
        "home": str(home.path),
        **({} if found.has_credentials else {"hint": found.remedy or LOGIN}),
    }


def _why(
    found: Resolved, stored: Stored, flags: Flags, environ: Mapping[str, str]
) -> dict[str, str]:
    own = f"account {found.account}" if found.account else None
    return {
        "credentials": _why_these_credentials(found, stored, flags, environ),
        "project": _first(
            ("--project", flags.project),
            ("MP_PROJECT_ID", environ.get("MP_PROJECT_ID")),
            (own, found.project_id),
        )
        or "none is chosen",
        "region": _first(("MP_REGION", environ.get("MP_REGION")), (own, _own_region(found, stored)))
        or "us unless told otherwise",
    }


def _why_these_credentials(
    found: Resolved, stored: Stored, flags: Flags, environ: Mapping[str, str]
) -> str:
    if found.source == "environment":
        names = [n for n in ("MP_OAUTH_TOKEN", "MP_USERNAME", "MP_SECRET") if environ.get(n)]
        set_here = " and ".join(names)
        over = f"; it wins over account {stored.default}" if stored.default else ""
        return f"{set_here} of the environment{over}"
    if found.account is None:
        if stored.accounts:
            return "accounts are stored, but none of them is the default"
        return "neither the environment nor mp.toml has any"
    if flags.account:
        return "--account wins over everything else"
    if environ.get("MP_ACCOUNT"):
        return "MP_ACCOUNT of the environment names it"
    only = " and the only" if len(stored.accounts) == 1 else ""
    return f"it is the default{only} account"


def _own_region(found: Resolved, stored: Stored) -> str | None:
    return stored.account(found.account).region if found.account else None


def _first(*candidates: tuple[str | None, str | None]) -> str | None:
    """The name of the first one that is set."""
    return next((name for name, value in candidates if name and value), None)
