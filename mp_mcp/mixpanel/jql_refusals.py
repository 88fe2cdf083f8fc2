"""What a refusal of `POST query/jql` means: the script is wrong, or JQL is gone.

Never sees a credential: the text that it reads is cleared of them.
"""

import re

from mp_mcp.errors import MixpanelError, NotFoundError, PlanError

PATH = "/jql"

_LONGEST_MESSAGE = 200
_LONGEST_LINE = 80
_THROWN = re.compile(r"Uncaught exception\s+(\w*Error:.*)")
_WRAPPER = re.compile(r"^\s*UserVisiblePreconditionFailedError:\s*")
_MARKED = re.compile(r"^[ \t]*(\S.*)\n[ \t]*\^", re.MULTILINE)
_PLACE = re.compile(r"<anonymous>:(\d+):\d+")
_WITHOUT_VIEW = "JQL answers for the whole project only: ask without a data view (--workspace). "
_INSTEAD = "Fetch the events once with fetch_events, then ask with query_sql."


def jql_refusal(status: int, text: str, *, in_view: bool = False) -> MixpanelError | None:
    """The error that is special to JQL, if this is one. `text` is what Mixpanel says.

    `in_view`: a data view was asked, in which there is no JQL.
    """
    if status == 412:
        return MixpanelError(
            f"The JQL script fails: {script_error(text)}",
            hint=f"Correct the script, or do without JQL. {_INSTEAD}",
        )
    unknown = status == 400 and "invalid api endpoint" in text.lower()
    if unknown or status in (404, 410):
        return NotFoundError(_gone(status, text), hint=_INSTEAD)
    if status == 403:
        hint = f"{_WITHOUT_VIEW}{_INSTEAD}" if in_view else _INSTEAD
        return PlanError(_gone(status, text), hint=hint)
    return None


def script_error(text: str) -> str:
    """Type and message of what the script threw, with the line of it that did, in one line."""
    thrown = _THROWN.search(text)
    said = thrown[1] if thrown else _WRAPPER.sub("", text).strip().partition("\n")[0]
    place = _PLACE.search(text)
    marked = _MARKED.search(text)
    where = f", line {place[1]}" if place else ""
    line = f": {_short(marked[1], _LONGEST_LINE)}" if marked else ""
    return (_short(said, _LONGEST_MESSAGE) or "Mixpanel gives no reason") + where + line


def _gone(status: int, text: str) -> str:
    said = _short(text, _LONGEST_MESSAGE)
    told = f"JQL is not available for this project any more: Mixpanel removes it (HTTP {status})"
    return f"{told}: {said}" if said else f"{told}."


def _short(text: str, longest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[:longest]}…"
