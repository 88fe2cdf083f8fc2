"""What a refusal of Mixpanel means: status, headers and body in, one of our errors out.

Never knows an HTTP library, and never lets a credential through that a body echoes.
"""

import html
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, quote_plus

from mp_mcp.errors import (
    CredentialsError,
    FutureDayError,
    HistoryLimitError,
    MixpanelError,
    MixpanelUnavailableError,
    MpError,
    NotFoundError,
    PlanError,
    RateLimitedError,
)
from mp_mcp.mixpanel import jql_refusals
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.mixpanel.usage import spoken

MAX_TEXT = 300
MAX_RETRY_AFTER_S = 3600.0
SHORTEST_SECRET = 4
"""Hiding anything shorter would only make every text unreadable."""

_HISTORY = re.compile(r"exceeds\s+(\d+)\s+days", re.IGNORECASE)
_KEPT = re.compile(r"keeps (\d+) days")
_TOMORROW = "cannot be later than today"
_TOO_LATE = "The range ends after the project's today"
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, target: Target, path: str = ""
) -> MpError:
    """The error of an answer whose status is not a success. `headers` is case-insensitive.

    `path` is the question's: what some refusals mean depends on it.
    """
    stated = error_text(body)
    text = readable(stated, target.credentials)
    if status == 401 or (status == 400 and "unable to authenticate request" in stated.lower()):
        return CredentialsError(
            f"Mixpanel refuses the credentials{_said(text)}",
            hint=_about_credentials(target),
        )
    if 300 <= status < 400:
        return PlanError(
            "Mixpanel redirects this call to a page for browsers: these credentials have no "
            + (f"access to project {target.project_id}." if target.project_id else "access."),
            hint="Ask an owner of the project to give the account a role in it.",
        )
    if status == 429:
        return _rate_limited(text, retry_after(headers))
    if status >= 500:
        return MixpanelUnavailableError(
            f"Mixpanel fails on its side (HTTP {status}){_said(text)}",
            hint="Try again in a minute; status.mixpanel.com tells about outages.",
        )
    if path == jql_refusals.PATH and not _HISTORY.search(stated):
        said = without_secrets(stated, target.credentials)
        if found := jql_refusals.jql_refusal(status, said, in_view=bool(target.workspace_id)):
            return found
    return _by_status(status, text, stated)


def _about_credentials(target: Target) -> str:
    replace = "`mp auth login` replaces them"
    if not target.project_id:
        return f"Check the secret, and that the account is of region {target.region!r}; {replace}."
    return (
        f"Check the secret and that project {target.project_id} lives in region "
        f"{target.region!r}; `mp auth test` shows what works, {replace}."
    )


def _by_status(status: int, text: str, stated: str) -> MpError:
    """`text` is made for people, and cut; what decides is in `stated`."""
    if status == 402:
        return PlanError(
            f"The project's Mixpanel plan does not include this API{_said(text)}",
            hint="The APIs need a Growth or Enterprise plan without overdue bills.",
        )
    if status == 403:
        return _forbidden(text, stated)
    if status == 404:
        return NotFoundError(
            f"Mixpanel does not know this{_said(text)}",
            hint="Check the id, the project and the region; `mp inspect` lists what exists.",
        )
    if _TOMORROW in stated.lower():
        return FutureDayError(
            f"{_TOO_LATE}{_said(text)}",
            hint="Today is the day in the project's time zone (UTC for projects created since "
            "2023): end one day earlier.",
        )
    return MixpanelError(
        f"Mixpanel refuses the request (HTTP {status}){_said(text)}",
        hint="Check the arguments; the text is Mixpanel's own.",
    )


def _forbidden(text: str, stated: str) -> MpError:
    if found := _HISTORY.search(stated):
        return HistoryLimitError(
            f"The range starts too early: the project keeps {found[1]} days of history.",
            hint=f"Start at most {found[1]} days before today.",
        )
    return PlanError(
        f"The credentials are valid, but their role or plan does not allow this{_said(text)}",
        hint="Ask an owner of the project for a role that may read and export.",
    )


def _rate_limited(text: str, seconds: float | None) -> RateLimitedError:
    when = "in a minute" if seconds is None else f"in {spoken(seconds)}"
    return RateLimitedError(
        f"The project's Mixpanel rate limit is reached{_said(text)}",
        hint=f"Try again {when}.",
        retry_after=seconds,
    )


def history_days(error: HistoryLimitError) -> int | None:
    """How many days back the project can be asked, from an error that `refusal` made."""
    found = _KEPT.search(error.message)
    return int(found[1]) if found else None


def is_about_tomorrow(error: MixpanelError) -> bool:
    """Whether the range ends after the project's today, from an error that `refusal` made."""
    return error.message.startswith(_TOO_LATE)


def failure_inside(answer: Any, target: Target) -> MixpanelError | None:
    """The error that a successful status hides, if any.

    `error` may also be the name of a property or of a segment, in an answer keyed by names.
    """
    if not isinstance(answer, dict):
        return None
    if answer.get("status") != "error" and not _tells_of_failure(answer):
        return None
    text = readable(_stated(answer) or "", target.credentials)
    return MixpanelError(f"Mixpanel could not answer{_said(text)}", hint="Check the arguments.")


def _tells_of_failure(answer: Mapping[str, Any]) -> bool:
    """Whether its `error` says something; an object may be what is said about a name.

    An answer keyed by names holds nothing but objects, of counts or of further objects.
    """
    error = answer.get("error")
    if isinstance(error, str):
        return bool(error.strip())
    if not isinstance(error, dict):
        return isinstance(error, list) and bool(error)
    is_keyed = all(isinstance(value, dict) for value in answer.values())
    is_named = error.keys() <= {"count"} or all(isinstance(part, dict) for part in error.values())
    return not (is_keyed and is_named) and bool(error)


def error_text(body: bytes) -> str:
    """What an error body says: `error`, else `message`, else its text; a page by its title."""
    try:
        stated = _stated(json.loads(body))
    except (ValueError, RecursionError):
        stated = None
    if stated is not None:
        return stated
    text = body.decode("utf-8", errors="replace").strip()
    if not text.startswith("<"):
        return text
    title = _TITLE.search(text)
    return f"an HTML page titled {title[1].strip()}" if title else "an HTML page"


def _stated(answer: Any) -> str | None:
    if not isinstance(answer, dict):
        return None
    for key in ("error", "message"):
        value = answer.get(key)
        if isinstance(value, str) and value.strip():
            return value
        if value and not isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
    return None


def readable(text: str, credentials: Credentials) -> str:
    """Foreign text made fit for a message: one short line, and no credential in any spelling."""
    text = " ".join(without_secrets(text, credentials).split())
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def without_secrets(text: str, credentials: Credentials) -> str:
    """Foreign text of any length, without any spelling of a credential."""
    text = html.unescape(text)
    for secret in (credentials.secret, credentials.authorization.partition(" ")[2]):
        if len(secret) < SHORTEST_SECRET:
            continue
        in_urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
        spellings = {secret, json.dumps(secret)[1:-1], *in_urls}
        for spelling in sorted(spellings, key=len, reverse=True):
            text = text.replace(spelling, "***")
    return text


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that Mixpanel asks us to wait (a number or a date), within an hour."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value) if value[0].isdigit() else _seconds_until(value)
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _seconds_until(http_date: str) -> float:
    when = parsedate_to_datetime(http_date)
    return (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _said(text: str) -> str:
    return f": {text}" if text else "."
