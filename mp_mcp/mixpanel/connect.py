"""How a Mixpanel handle comes to life: one pool of connections, one handle per target.

Never imported by tools: it loads the HTTP library.
"""

from mp_mcp.mixpanel.client import Mixpanel, MixpanelLogin
from mp_mcp.mixpanel.http import Http, Pool, make_client
from mp_mcp.mixpanel.models import Target


def open_client() -> Pool:
    """The pool, shared by all accounts and projects; close it with `await pool.aclose()`."""
    return make_client()


def mixpanel_for(pool: Pool, target: Target) -> Mixpanel:
    """The handle that asks in the name of `target`."""
    return Mixpanel(Http(pool, target))


def login_for(pool: Pool, target: Target) -> MixpanelLogin:
    """The handle that checks the credentials of `target`."""
    return MixpanelLogin(Http(pool, target))
