"""How Mixpanel is asked: hosts, authorization, timeouts, retries, and httpx's errors as ours.

The only user of httpx. Never sleeps for long (a spent budget fails at once), never follows a
redirect, never keeps a cookie (one account's session must not answer another), and never puts a
credential into a URL or a message.
"""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from random import SystemRandom
from typing import Any, TypeVar

import anyio
import httpx

from mp_mcp import __version__
from mp_mcp.errors import (
    CredentialsError,
    IncompleteExportError,
    MixpanelError,
    MixpanelUnavailableError,
    MpError,
    PlanError,
    RateLimitedError,
    SettingsError,
)
from mp_mcp.mixpanel.models import Region, Target
from mp_mcp.mixpanel.refusals import failure_inside, readable, refusal
from mp_mcp.mixpanel.transport import Family, Params

T = TypeVar("T")
Pool = httpx.AsyncClient
"""Connections that all accounts and projects share."""

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

# Mixpanel's own deadlines are 120 s (app) and 488 s (query): a little longer, and it says why.
READ_TIMEOUTS_S: dict[Family, float] = {"app": 135.0, "query": 503.0, "export": 600.0}
CONNECT_TIMEOUT_S = 10.0

TRIES = 4
PATIENCE_S = 60.0
"""Only brief failures are repeated: what failed after a long time fails for a reason."""
LONGEST_RETRY_AFTER_S = 3.0
"""A rate limit that frees later than this is the caller's business."""

FOREIGN = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError)
"""Every root of httpx's error classes."""


def make_client(transport: httpx.AsyncBaseTransport | None = None) -> Pool:
    """One pool of connections for all accounts and projects.

    Raises: SettingsError when the environment's proxy or certificate settings are unusable.
    """
    try:
        return Pool(
            transport=transport,
            headers={"User-Agent": f"mp-mcp/{__version__}", "Accept": "application/json"},
            limits=httpx.Limits(max_connections=40, keepalive_expiry=60.0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=True,
        )
    except (ImportError, OSError, ValueError, httpx.InvalidURL) as error:
        raise SettingsError(
            # The text of these errors can hold a proxy's password.
            f"The proxy or certificate settings are unusable ({type(error).__name__}).",
            hint="Check the environment: HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE, SSL_CERT_DIR.",
        ) from error


def base_of(family: Family, target: Target) -> str:
    """Where a family of endpoints lives for this target."""
    if target.base_url:
        return target.base_url.rstrip("/") + _OVERRIDES[family]
    prefix, suffix = _REGIONS[target.region]
    return _HOSTS[family].format(prefix=prefix, suffix=suffix)


class Http:
    """Mixpanel over a shared pool, in the name of one target."""

    def __init__(
        self,
        client: Pool,
        target: Target,
        *,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._target = target
        self._sleep = sleep
        self._clock = clock

    @property
    def target(self) -> Target:
        """In whose name, and about which project."""
        return self._target

    async def get_json(self, family: Family, path: str, params: Params) -> Any:
        """The decoded answer of a read that is safe to repeat."""
        return await self._retried(lambda: self._answer(self._request("GET", family, path, params)))

    async def post_form(self, family: Family, path: str, form: Params) -> Any:
        """The decoded answer of a read whose parameters travel in the body."""
        return await self._retried(
            lambda: self._answer(self._request("POST", family, path, {}, form))
        )

    @asynccontextmanager
    async def stream(
        self, family: Family, path: str, params: Params
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The undecoded bytes of a long answer; gzip when Mixpanel compressed it.

        Raises: IncompleteExportError when the answer breaks off, in the middle of the block.
        """
        response = await self._retried(
            lambda: self._send(self._request("GET", family, path, params), stream=True)
        )
        try:
            yield response.aiter_raw()
        except FOREIGN as error:
            raise IncompleteExportError(
                f"Mixpanel's answer broke off ({type(error).__name__}).",
                hint="The network or Mixpanel cut the connection; try again.",
            ) from error
        finally:
            # A cancelled stream still has to give its connection back.
            with anyio.CancelScope(shield=True):
                await response.aclose()

    async def back_off(self, attempt: int) -> None:
        """Wait before repeating something for the `attempt`-th time, counted from 0."""
        await self._sleep(_jittered(2.0**attempt))

    async def _retried(self, attempt: Callable[[], Awaitable[T]]) -> T:
        started = self._clock()
        tries = 0
        while True:
            try:
                with _translated(self._target):
                    return await attempt()
            except (RateLimitedError, MixpanelUnavailableError) as error:
                asked = error.retry_after
                pause = asked or 2.0**tries
                tries += 1
                spent = self._clock() - started
                too_long = asked is not None and asked > LONGEST_RETRY_AFTER_S
                if tries == TRIES or too_long or spent > PATIENCE_S:
                    raise
            await self._sleep(_jittered(pause))

    async def _answer(self, request: httpx.Request) -> Any:
        response = await self._send(request, stream=False)
        try:
            answer = json.loads(response.content, parse_constant=lambda _: None)
        except (ValueError, RecursionError) as error:
            raise MixpanelUnavailableError(
                f"Mixpanel's answer to {request.url.path} is no JSON.",
                hint="Something between here and Mixpanel may have answered instead: a proxy?",
            ) from error
        if failure := failure_inside(answer, self._target):
            raise failure
        return answer

    async def _send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        response = await self._client.send(request, stream=stream)
        if response.is_success:
            return response
        try:
            body = await response.aread()
        finally:
            await response.aclose()
        raise refusal(response.status_code, response.headers, body, self._target)

    def _request(
        self, method: str, family: Family, path: str, params: Params, form: Params | None = None
    ) -> httpx.Request:
        target = self._target
        _require_access(family, target)
        url = httpx.URL(base_of(family, target) + path)
        if url.userinfo or not url.is_absolute_url:
            raise _bad_base_url()
        headers = {"Authorization": target.credentials.authorization}
        if family == "export":
            headers["Accept-Encoding"] = "gzip"
        return self._client.build_request(
            method,
            url,
            params=_present({**_scope(family, target), **params}),
            data=None if form is None else _present(form),
            headers=headers,
            timeout=httpx.Timeout(READ_TIMEOUTS_S[family], connect=CONNECT_TIMEOUT_S),
        )


def error_of(error: Exception, target: Target) -> MpError:
    """What one of httpx's errors means to the caller."""
    name = type(error).__name__
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return _bad_base_url()
    if isinstance(error, httpx.TooManyRedirects):
        return PlanError("Mixpanel redirects this call: these credentials have no access.")
    if isinstance(error, httpx.LocalProtocolError):
        return MixpanelError("The request cannot be sent: a header or address is malformed.")
    if isinstance(error, httpx.TimeoutException):
        return MixpanelUnavailableError(
            f"Mixpanel did not answer in time ({name}).",
            hint="Try again; ask for fewer days if it stays slow.",
        )
    reason = readable(str(error), target.credentials) or name
    return MixpanelUnavailableError(
        f"Mixpanel cannot be reached at {target.base_url or 'mixpanel.com'}: {reason}",
        hint="Check the network and proxy settings.",
    )


@contextmanager
def _translated(target: Target) -> Iterator[None]:
    try:
        yield
    except FOREIGN as error:
        raise error_of(error, target) from error


def _bad_base_url() -> SettingsError:
    return SettingsError(
        "The Mixpanel base URL is not a plain URL like https://proxy.example.org.",
        hint="Correct MP_API_BASE_URL; it must not contain a user name.",
    )


def _require_access(family: Family, target: Target) -> None:
    if family == "app" and target.credentials.kind == "project_secret":
        raise CredentialsError(
            "A project secret cannot read reports or metadata.",
            hint="Use a service account: `mp auth login`.",
        )


def _scope(family: Family, target: Target) -> dict[str, str | int | None]:
    """Which project is meant; app paths name it themselves, a project secret is bound to one."""
    if family == "app":
        return {}
    is_bound = target.credentials.kind == "project_secret"
    return {
        "project_id": None if is_bound else target.project_id or None,
        # Data views never apply to the raw export.
        "workspace_id": target.workspace_id if family == "query" else None,
    }


def _present(params: Params) -> dict[str, str]:
    return {name: str(value) for name, value in params.items() if value is not None}


def _jittered(seconds: float) -> float:
    return seconds * (1 + 0.1 * SystemRandom().random())
