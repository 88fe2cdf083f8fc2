"""Units of the rate budgets, spent by us or by others, in state.db.

Never admits or refuses a request (`budget.py` does): it is the memory of what was spent.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from mp_mcp.mixpanel.costs import QUOTAS, Kind, Quota
from mp_mcp.state import State


class Spending(NamedTuple):
    """Units that were spent at one time, in seconds since 1970."""

    started: float
    units: int
    is_ours: bool


class Ledger:
    """The units of every project, by the project's key; one for the whole process."""

    def __init__(self, state: State, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock

    def projects(self) -> list[str]:
        """Projects of which anything is spent."""
        found = self._state.rows("SELECT DISTINCT project FROM budget_unit ORDER BY project")
        return [str(row[0]) for row in found]

    def quota(self, project: str, kind: Kind) -> Quota:
        """The limits in force: the published ones, or those that Mixpanel stated."""
        published = QUOTAS[kind]
        stated = self._state.rows(
            "SELECT per_window, at_once FROM budget_quota WHERE project = ? AND kind = ?",
            project,
            kind,
        )
        if not stated:
            return published
        per_window, at_once = stated[0]
        return published._replace(
            per_window=per_window or published.per_window, at_once=at_once or published.at_once
        )

    def state_quota(
        self, project: str, kind: Kind, *, per_window: int | None, at_once: int | None
    ) -> None:
        """Mixpanel states the limits of a project; None is what it does not say."""
        known = self.quota(project, kind)
        stated = known._replace(
            per_window=per_window or known.per_window, at_once=at_once or known.at_once
        )
        if stated != known:
            self._state.change(
                "INSERT OR REPLACE INTO budget_quota (project, kind, per_window, at_once) "
                "VALUES (?, ?, ?, ?)",
                project,
                kind,
                stated.per_window,
                stated.at_once,
            )

    def spent(self, project: str, kind: Kind) -> list[Spending]:
        """What was spent within the window, the oldest first."""
        now = self._clock()
        found = [
            Spending(float(started), int(units), bool(is_ours))
            for started, units, is_ours in self._state.rows(
                "SELECT started, units, is_ours FROM budget_unit "
                "WHERE project = ? AND kind = ? AND started > ? ORDER BY started",
                project,
                kind,
                now - QUOTAS[kind].window_s,
            )
        ]
        if found and found[-1].started > now:
            # A clock that was set back must not keep units for longer than their window.
            self._state.change("UPDATE budget_unit SET started = ? WHERE started > ?", now, now)
            found = [one._replace(started=min(one.started, now)) for one in found]
        return found

    def ours(self, project: str, kind: Kind) -> int:
        """Units of the window that we spent."""
        return sum(one.units for one in self.spent(project, kind) if one.is_ours)

    def spend(self, project: str, kind: Kind) -> int:
        """Take one unit now; its number, for `refund`."""
        now = self._clock()
        self._state.change(
            "DELETE FROM budget_unit WHERE kind = ? AND started <= ?",
            kind,
            now - QUOTAS[kind].window_s,
        )
        found = self._state.rows(
            "INSERT INTO budget_unit (project, kind, started, units, is_ours) "
            "VALUES (?, ?, ?, 1, 1) RETURNING id",
            project,
            kind,
            now,
        )
        return int(found[0][0])

    def refund(self, number: int) -> None:
        """Give a unit back."""
        self._state.change("DELETE FROM budget_unit WHERE id = ?", number)

    def forget(self, project: str, kind: Kind, count: int) -> None:
        """Mixpanel does not know of so many of our units: the oldest come back."""
        if count > 0:
            self._state.change(
                "DELETE FROM budget_unit WHERE id IN (SELECT id FROM budget_unit "
                "WHERE project = ? AND kind = ? AND is_ours = 1 ORDER BY started LIMIT ?)",
                project,
                kind,
                count,
            )

    def others_spent(
        self, project: str, kind: Kind, count: int, frees_in_s: float | None = None
    ) -> None:
        """Others than us, whom only Mixpanel sees, have spent so many units of the window.

        They come back together, after `frees_in_s` seconds or else after a whole window.
        """
        window_s = QUOTAS[kind].window_s
        left_s = window_s if frees_in_s is None else min(frees_in_s, window_s)
        self._state.change(
            "DELETE FROM budget_unit WHERE project = ? AND kind = ? AND is_ours = 0", project, kind
        )
        if count > 0:
            self._state.change(
                "INSERT INTO budget_unit (project, kind, started, units, is_ours) "
                "VALUES (?, ?, ?, ?, 0)",
                project,
                kind,
                self._clock() - window_s + left_s,
                count,
            )
