"""The state of the simulated Mixpanel: projects, accounts, and the switches that tests turn.

Never speaks HTTP: endpoints and the control paths do.
"""

import time
from collections import deque
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any

from mp_mcp.demo.day_files import DayFiles
from mp_mcp.demo.faults import Fault
from mp_mcp.demo.history import History
from mp_mcp.demo.limits import Limits
from mp_mcp.demo.story import Story

MAX_LOGGED_REQUESTS = 20_000


@dataclass(frozen=True)
class Account:
    """Credentials that may read some projects."""

    username: str
    secret: str
    bearer: str
    project_ids: tuple[str, ...]


class Project:
    """One project and its data."""

    def __init__(self, project_id: str, name: str, secret: str, story: Story, folder: Path) -> None:
        self.id = project_id
        self.name = name
        self.secret = secret
        self.workspace_id = f"{project_id}01"
        self.zone: tzinfo = UTC
        self.story = story
        self._folder = folder

    @cached_property
    def history(self) -> History:
        """The events, one by one."""
        return History(self.story)

    @cached_property
    def day_files(self) -> DayFiles:
        """The events, as whole compressed days."""
        return DayFiles(self._folder, self.story, self.history.users)


@dataclass
class Switches:
    """What can be changed while the simulator runs."""

    limits: bool = False
    """Whether the rate limits are enforced; they are always counted."""
    late: bool = False
    """Whether the late events have arrived."""
    expired: bool = False
    """Whether every credential has expired."""
    auth_error: int = 401
    """Status of wrong credentials on query and export: 401, or 400 as it is sometimes seen."""
    history_days: int = 0
    """How far into the past the plan reaches; 0 is unlimited."""
    bookmark_delay: float = 0.0
    """Seconds that a list of bookmarks takes."""
    bookmarks_envelope: str = "plain"
    """`plain`, or `double` for results within results."""
    bookmarks_params: str = "object"
    """`object`, or `string` for params as JSON text."""

    def turn(self, changes: dict[str, Any]) -> None:
        """Change some switches; an unknown name is a ValueError."""
        unknown = set(changes) - {one.name for one in fields(self)}
        if unknown:
            raise ValueError(f"unknown switches: {sorted(unknown)}")
        for name, value in changes.items():
            setattr(self, name, type(getattr(self, name))(value))


class Clock:
    """Monotonic seconds that tests can move forward."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.offset


@dataclass
class World:
    """Everything that requests read and change."""

    projects: dict[str, Project]
    accounts: tuple[Account, ...]
    switches: Switches = field(default_factory=Switches)
    clock: Clock = field(default_factory=Clock)
    faults: list[Fault] = field(default_factory=list)
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MAX_LOGGED_REQUESTS))

    @cached_property
    def limits(self) -> Limits:
        """What each project has used of its quotas."""
        return Limits(self.clock)

    def project_of_secret(self, secret: str) -> Project | None:
        """The project that a project secret identifies."""
        return next((one for one in self.projects.values() if one.secret == secret), None)

    def project_of_workspace(self, workspace_id: str) -> Project | None:
        """The project to which a data view belongs."""
        found = (one for one in self.projects.values() if one.workspace_id == workspace_id)
        return next(found, None)


def make_world(story: Story, folder: Path, switches: Switches | None = None) -> World:
    """Two projects with their own accounts and their own data."""
    other = replace(story, seed=story.seed + 1000)
    return World(
        projects={
            "1001": Project("1001", "Mug Shop", "shop-project-secret", story, folder),
            "2002": Project("2002", "Other Shop", "other-project-secret", other, folder),
        },
        accounts=(
            Account("demo.svc", "demo-secret", "demo-token", ("1001",)),
            Account("other.svc", "other-secret", "other-token", ("2002",)),
        ),
        switches=switches or Switches(),
    )
