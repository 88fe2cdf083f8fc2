"""What the first page of profiles has found, kept so that the further pages fit to it.

Never lives longer than some dozens of newer ones.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mp_mcp.demo.profiles import Profile

MAX_SESSIONS = 60
_OF_THE_PAGE = ("page", "session_id", "page_size", "project_id")


@dataclass(frozen=True)
class Session:
    """One query and its result."""

    id: str
    project_id: str
    asked: str
    found: list[Profile]


class EngageSessions:
    """The newest sessions of a world."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Session] = OrderedDict()
        self._count = 0

    def open(self, project_id: str, params: Mapping[str, Any], found: list[Profile]) -> Session:
        """A new session with a name of its own."""
        self._count += 1
        asked = _asked(params)
        digest = hashlib.sha256(f"{self._count}/{project_id}/{asked}".encode()).hexdigest()
        session = Session(f"1735732800-{digest[:6]}", project_id, asked, found)
        self._kept[session.id] = session
        if len(self._kept) > MAX_SESSIONS:
            self._kept.popitem(last=False)
        return session

    def find(self, session_id: str, project_id: str, params: Mapping[str, Any]) -> Session | None:
        """The session of that name, if it is about the same query."""
        found = self._kept.get(session_id)
        same = found and found.project_id == project_id and found.asked == _asked(params)
        return found if same else None


def _asked(params: Mapping[str, Any]) -> str:
    """What has to be the same on every page."""
    return str(sorted((name, str(params[name])) for name in params if name not in _OF_THE_PAGE))
