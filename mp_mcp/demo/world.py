"""The state of the simulated Mixpanel: projects, accounts, and the switches that tests turn.

Never speaks HTTP: endpoints and the control paths do.
"""

import time
from collections import deque
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, timedelta, timezone, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any

from mp_mcp.demo.annotations import AnnotationBook
from mp_mcp.demo.cohorts import Cohort, members
from mp_mcp.demo.day_files import DayFiles
from mp_mcp.demo.engage_sessions import EngageSessions
from mp_mcp.demo.faults import Fault
from mp_mcp.demo.history import History
from mp_mcp.demo.lexicon import Lexicon
from mp_mcp.demo.limits import Limits
from mp_mcp.demo.profiles import PROFILES, Profile, all_profiles, companies, edited
from mp_mcp.demo.story import Story

MAX_LOGGED_REQUESTS = 20_000

POSITIONS = {
    "rate_headers": ("refusals", "always", "never"),
    "retry_after": ("seconds", "date", "none"),
    "retention_nesting": ("segment", "date"),
    "schema_shape": ("schema", "entry", "bare"),
    "tags_envelope": ("bare", "results"),
    "jql": ("on", "404", "410", "400", "403"),
}
"""What a switch of several positions can be turned to."""


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
        self.domain = "mixpanel.com"
        self.profile_count = PROFILES
        self._members: dict[Cohort, list[Profile]] = {}
        self._edits: dict[str, dict[str, Any] | None] = {}
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

    @cached_property
    def profiles(self) -> list[Profile]:
        """Everybody who has a profile, and the visitor with the empty id."""
        return list(edited(all_profiles(self.story, self.profile_count), self._edits))

    def edit_profiles(self, edits: dict[str, dict[str, Any] | None]) -> None:
        """Set the properties of these profiles, make new ones, or delete those that are None."""
        self._edits |= edits
        self._look_again()

    def forget_edits(self) -> None:
        """Back to the profiles of the story."""
        self._edits.clear()
        self._look_again()

    def _look_again(self) -> None:
        self._members.clear()
        self.__dict__.pop("profiles", None)

    @cached_property
    def companies(self) -> list[Profile]:
        """The profiles of the group."""
        return list(companies(self.story))

    def members(self, cohort: Cohort) -> list[Profile]:
        """Who is in a cohort, with or without a profile."""
        if cohort not in self._members:
            everyone = self.companies if cohort.data_group_id else self.profiles
            people = [profile for profile in everyone if profile.distinct_id != ""]
            self._members[cohort] = members(cohort, people, self.history)
        return self._members[cohort]

    @cached_property
    def lexicon(self) -> Lexicon:
        """What is documented about the events."""
        return Lexicon(self.history)


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

    rate_headers: str = "refusals"
    """Which counted queries get the `RateLimit` headers: `refusals`, `always` or `never`."""
    retry_after: str = "seconds"
    """How a refusal says when to come back: `seconds`, `date` or `none`."""
    shifted_time: bool = False
    """Whether events are exported in the project's time, as those of old projects are."""
    schema_shape: str = "schema"
    """What a single Lexicon schema is: `schema`, `entry` or `bare`."""
    tags_envelope: str = "bare"
    """Whether the list of annotation tags is `bare` or within `results`."""
    engage_page_size: int = 1000
    """Profiles on a page."""
    engage_total: bool = True
    """Whether the first page of profiles says how many there are."""
    blank_profile: bool = False
    """Whether the visitor with an empty id has a profile."""
    retention_unit_interval_refused: bool = False
    """Whether retention refuses `unit` together with `interval`."""
    retention_nesting: str = "segment"
    """Whether retention reports have the `segment` outside, or the `date`."""
    addiction_bare: bool = False
    """Whether frequencies come without their `data` envelope."""
    jql: str = "on"
    """`on`, or how JQL ends when it is no longer there: `404`, `410`, `400` or `403`."""

    def turn(self, changes: dict[str, Any]) -> None:
        """Change some switches; an unknown name is a ValueError."""
        unknown = set(changes) - {one.name for one in fields(self)}
        if unknown:
            raise ValueError(f"unknown switches: {sorted(unknown)}")
        for name, value in changes.items():
            if str(value) not in POSITIONS.get(name, (str(value),)):
                raise ValueError(f"{name} is one of {', '.join(POSITIONS[name])}")
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

    @cached_property
    def engage_sessions(self) -> EngageSessions:
        """What the first pages of profiles have found."""
        return EngageSessions()

    @cached_property
    def _annotations(self) -> dict[str, AnnotationBook]:
        return {}

    def annotations_of(self, project: Project) -> AnnotationBook:
        """The notes on a project's timeline; other worlds do not see what is changed here."""
        if project.id not in self._annotations:
            self._annotations[project.id] = AnnotationBook(project.id, project.story)
        return self._annotations[project.id]

    def project_of_secret(self, secret: str) -> Project | None:
        """The project that a project secret identifies."""
        return next((one for one in self.projects.values() if one.secret == secret), None)

    def project_of_workspace(self, workspace_id: str) -> Project | None:
        """The project to which a data view belongs."""
        found = (one for one in self.projects.values() if one.workspace_id == workspace_id)
        return next(found, None)


def make_world(
    story: Story, folder: Path, switches: Switches | None = None, profiles: int = PROFILES
) -> World:
    """Two projects with their own accounts, their own data and their own clocks on the wall."""
    other_story = replace(story, seed=story.seed + 1000)
    shop = Project("1001", "Mug Shop", "shop-project-secret", story, folder)
    other = Project("2002", "Other Shop", "other-project-secret", other_story, folder)
    shop.profile_count = other.profile_count = profiles
    # A fixed offset: São Paulo has no summer time, and no database of zones is needed.
    other.zone = timezone(timedelta(hours=-3), "America/Sao_Paulo")
    # Mixpanel leaves the domain of some US projects empty.
    other.domain = ""
    return World(
        projects={shop.id: shop, other.id: other},
        accounts=(
            Account("demo.svc", "demo-secret", "demo-token", ("1001",)),
            Account("other.svc", "other-secret", "other-token", ("2002",)),
        ),
        switches=switches or Switches(),
    )
