"""What `mp doctor` checks of the account: is there one, is Mixpanel reachable, does it accept it.

Never shows a secret, and asks Mixpanel only when there is an account and a way to it.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from mp_mcp.errors import CredentialsError, MpError
from mp_mcp.front import link, sources
from mp_mcp.front.finding import Finding, fail, failed, note, ok
from mp_mcp.front.flags import Flags
from mp_mcp.settings import Home, asking

PATIENCE_S = 5.0
LOGIN = "mp auth login; or look around with mp demo, which needs no account"


def findings(home: Home, flags: Flags) -> Iterator[Finding]:
    """All of them."""
    try:
        here = sources.explained(home, flags)
    except MpError as error:
        yield failed("account", error, LOGIN)
        return
    yield from _account(here)
    place = _place(here)
    reached = _reach(*place)
    yield reached
    if here["configured"] and reached.state == "ok":
        yield _login(home, flags)


def _account(here: Mapping[str, Any]) -> Iterator[Finding]:
    if not here["configured"]:
        why = here["why"]["credentials"]
        yield fail("account", f"none: {why}", here["hint"] if "switch" in here["hint"] else LOGIN)
        return
    user = here["username"] or "a token or a project's secret"
    yield ok("account", f"{here['source']}: {user}, region {here['region']}")
    if here["project_id"]:
        yield ok("project", f"{here['project_id']} ({here['why']['project']})")
    else:
        yield fail("project", "none is chosen", "mp auth login --project ID, or set MP_PROJECT_ID")


def _place(here: Mapping[str, Any]) -> tuple[str, int, str]:
    """Whom to reach: the host and port of Mixpanel, or of a proxy on the way, and its name."""
    from mp_mcp.mixpanel.hosts import base_at

    parts = urlsplit(base_at("app", here["region"], here["base_url"]))
    name = parts.hostname or ""
    proxy = None if proxy_bypass(name) else getproxies().get(parts.scheme)
    if proxy:
        through = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        told = f"{name} through the proxy {through.hostname}"
        return through.hostname or "", through.port or 80, told
    return name, parts.port or (443 if parts.scheme == "https" else 80), name


def _reach(host: str, port: int, name: str) -> Finding:
    try:
        socket.create_connection((host, port), PATIENCE_S).close()
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        remedy = "Check the network, MP_REGION and the proxy (HTTPS_PROXY); local SQL works anyway"
        if os.environ.get("MP_API_BASE_URL"):
            remedy = "MP_API_BASE_URL is set: start what it names, or unset it"
        return fail("mixpanel", f"{name} cannot be reached: {reason}", remedy)
    return ok("mixpanel", f"{name} can be reached")


def _login(home: Home, flags: Flags) -> Finding:
    """Whether Mixpanel accepts the credentials: through the server, as every call."""
    client = asking(account=flags.account, project=flags.project)
    try:
        found = link.call_tool(home, client, "inspect_account", {}).result
    except CredentialsError as error:
        return failed("login", error, "mp auth login")
    except MpError as error:
        return failed("login", error, "mp server logs may say why")
    projects = [str(row[0]) for row in found["rows"]]
    told = f"Mixpanel accepts it; it reaches {_counted(len(projects))}"
    chosen = flags.project or found.get("project")
    if chosen and projects and str(chosen) not in projects:
        return note("login", f"{told}, but does not list {chosen}", "mp auth test lists them")
    return ok("login", told)


def _counted(projects: int) -> str:
    return "1 project" if projects == 1 else f"{projects} projects"
