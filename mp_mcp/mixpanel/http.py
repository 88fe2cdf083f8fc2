"""How Mixpanel is asked: hosts, authorization, timeouts, retries, and httpx's errors as ours.

The only user of httpx. Never sleeps for long (a spent budget fails at once), never follows a
redirect, never keeps a cookie (one account's session must not answer another), and never puts a
credential into a URL or a message.
"""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
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
from mp_mcp.mixpanel.budget import Budget, Place
from mp_mcp.mixpanel.costs import cost_of
from mp_mcp.mixpanel.hosts import base_of, scope_of
from mp_mcp.mixpanel.models import Target
from mp_mcp.mixpanel.offload import in_thread_if_large
from mp_mcp.mixpanel.refusals import failure_inside, readable, refusal
from mp_mcp.mixpanel.transport import Decode, Family, Params, Question

T = TypeVar("T")
Pool = httpx.AsyncClient
"""Connections that all accounts and projects share."""

# Mixpanel's own deadlines are 120 s (app) and 488 s (query): a little longer, and it says why.
READ_TIMEOUTS_S: dict[Family, float] = {"app": 135.0, "query": 503.0, "export": 600.0}
CONNECT_TIMEOUT_S = 10.0

TRIES = 4
FIRST_PAUSE_S = 1.0
FIRST_REDIAL_S = 0.2
"""Each pause is twice as long as the one before."""

PATIENCE_S = 60.0
"""Only brief failures are repeated: what failed after a long time fails for a reason."""
LONGEST_RETRY_AFTER_S = 15.0
"""A rate limit that frees later than this is the caller's business: never sleep out an hour."""

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Failures of requests that Mixpanel cannot have counted."""

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


class Http:
    """Mixpanel over a shared pool, in the name of one target."""

    def __init__(
        self,
        client: Pool,
        target: Target,
        budget: Budget,
        *,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._target = target
        self._budget = budget
        self._sleep = sleep
        self._clock = clock

    @property
    def target(self) -> Target:
        """In whose name, and about which project."""
        return self._target

    async def ask(self, question: Question, decode: Decode | None = None) -> Any:
        """The answer, as `decode` reads it, of a read that is safe to repeat."""
        return await self._retried(question, lambda: self._answer(question, decode or _decoded))

    @asynccontextmanager
    async def stream(
        self, family: Family, path: str, params: Params
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The undecoded bytes of a long answer; gzip when Mixpanel compressed it.

        Raises: IncompleteExportError when the answer breaks off, in the middle of the block.
        """
        question = Question("GET", family, path, params)
        response, held = await self._retried(question, lambda: self._opened(question))
        try:
            yield response.aiter_raw()
        except FOREIGN as error:
            raise IncompleteExportError(
                f"Mixpanel's answer broke off ({type(error).__name__}).",
                hint="The network or Mixpanel cut the connection; try again.",
            ) from error
        finally:
            # A cancelled stream still has to give its connection and its place back.
            with anyio.CancelScope(shield=True):
                await held.aclose()

    async def back_off(self, attempt: int) -> None:
        """Wait before repeating something for the `attempt`-th time, counted from 0."""
        await self._sleep(_jittered(2.0**attempt))

    async def _retried(self, question: Question, attempt: Callable[[], Awaitable[T]]) -> T:
        started = self._clock()
        tries = 0
        while True:
            # Not tried again, however soon a unit frees: a spent budget is never slept out.
            self._budget.require(self._target.project_key, cost_of(question))
            try:
                with _translated(self._target):
                    return await attempt()
            except (RateLimitedError, MixpanelUnavailableError) as error:
                asked = error.retry_after
                # Who did not reach Mixpanel need not spare it, and is seldom better off by waiting.
                first = FIRST_REDIAL_S if isinstance(error.__cause__, NEVER_SENT) else FIRST_PAUSE_S
                pause = asked or first * 2.0**tries
                tries += 1
                spent = self._clock() - started
                too_long = asked is not None and asked > LONGEST_RETRY_AFTER_S
                if tries == TRIES or too_long or spent > PATIENCE_S:
                    raise
            await self._sleep(_jittered(pause))

    async def _answer(self, question: Question, decode: Decode) -> Any:
        async with self._exchange(question, stream=False) as response:
            content, path = response.content, response.url.path
        try:
            answer = await in_thread_if_large(decode, content)
        except RecursionError as error:
            raise MixpanelError(
                f"Mixpanel's answer to {path} is nested too deeply to be read.",
                hint="Leave out the property that holds such a value.",
            ) from error
        except ValueError as error:
            raise MixpanelUnavailableError(
                f"Mixpanel's answer to {path} is no JSON.",
                hint="Something between here and Mixpanel may have answered instead: a proxy?",
            ) from error
        if failure := failure_inside(answer, self._target):
            raise failure
        return answer

    async def _opened(self, question: Question) -> tuple[httpx.Response, AsyncExitStack]:
        """A response whose body is still to be read, and what has to be given back after that."""
        async with AsyncExitStack() as held:
            response = await held.enter_async_context(self._exchange(question, stream=True))
            return response, held.pop_all()

    @asynccontextmanager
    async def _exchange(self, question: Question, *, stream: bool) -> AsyncIterator[httpx.Response]:
        """One attempt, from the budget's yes until its answer is read."""
        request = self._request(question)
        async with self._budget.place(self._target.project_key, cost_of(question)) as place:
            try:
                response = await self._client.send(request, stream=stream)
            except NEVER_SENT:
                place.refund()
                raise
            place.learn(response.status_code, response.headers)
            try:
                if not response.is_success:
                    body, status = await response.aread(), response.status_code
                    path = question.path
                    error = refusal(status, response.headers, body, self._target, path)
                    raise told_by_budget(error, place) if status == 429 else error
                yield response
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()

    def _request(self, question: Question) -> httpx.Request:
        target, family = self._target, question.family
        _require_access(family, target)
        url = httpx.URL(base_of(family, target) + question.path)
        headers = {"Authorization": target.credentials.authorization}
        if family == "export":
            headers["Accept-Encoding"] = "gzip"
        is_form = question.method == "POST"
        in_url = {} if is_form else question.params
        return self._client.build_request(
            question.method,
            url,
            params=_present({**scope_of(family, target), **in_url}),
            data=_present(question.params) if is_form else None,
            headers=headers,
            timeout=httpx.Timeout(READ_TIMEOUTS_S[family], connect=CONNECT_TIMEOUT_S),
        )


def _decoded(content: bytes) -> Any:
    return json.loads(content, parse_constant=lambda _: None)


def told_by_budget(error: MpError, place: Place) -> MpError:
    """Mixpanel's own rate limit, with what we know of the budget, which learns from it."""
    place.learn_from_words(error.message, error.retry_after)
    told = (place.sentence(), error.hint, place.advice())
    return error.with_hint(" ".join(part for part in told if part))


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
        hint="Correct MP_API_BASE_URL.",
    )


def _require_access(family: Family, target: Target) -> None:
    if family == "app" and target.credentials.kind == "project_secret":
        raise CredentialsError(
            "A project secret cannot read reports or metadata.",
            hint="Use a service account: `mp auth login`.",
        )


def _present(params: Params) -> dict[str, str]:
    return {name: str(value) for name, value in params.items() if value is not None}


def _jittered(seconds: float) -> float:
    return seconds * (1 + 0.1 * SystemRandom().random())
