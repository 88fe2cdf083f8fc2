"""The saved cohorts of the demo projects, and who is in them.

Never keeps a count: it is made from the profiles and the events when it is asked.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

from mp_mcp.demo.expressions import Subject, compile_expression
from mp_mcp.demo.history import History
from mp_mcp.demo.profiles import COMPANIES, Profile
from mp_mcp.demo.rows import noon_of_today
from mp_mcp.demo.values import truth


class Cohort(NamedTuple):
    """One saved cohort; its members fit `where`, did `event` in 30 days, or are on a list."""

    number: int
    name: str
    description: str
    where: str = ""
    event: str = ""
    listed: tuple[str, ...] = ()
    visible: bool = True
    data_group_id: int | None = None

    def id_in(self, project_id: str) -> int:
        """Its id, which is another one in each project."""
        return int(project_id) * 1000 + self.number


LEADS = tuple(f"lead-{number}" for number in range(7))
"""People on an imported list who have no profile yet."""

COHORTS = (
    Cohort(501, "Team plan", "", where='properties["plan"] == "team"'),
    Cohort(502, "Brasil 🇧🇷", "Onde o Pix falhou", where='properties["$country_code"] == "BR"'),
    Cohort(503, "Buyers", "Purchased in the last 30 days", event="Purchase"),
    Cohort(504, "Imported leads", "From the fair", listed=("u-1000", "u-1001", *LEADS)),
    Cohort(505, "Nobody", "", where='properties["plan"] == "gone"', visible=False),
    Cohort(
        506,
        "Big companies",
        "",
        where='properties["employees"] > 200',
        data_group_id=COMPANIES,
    ),
)


def find_cohort(project_id: str, cohort_id: object) -> Cohort | None:
    """The cohort with an id, which some clients send as text."""
    wanted = str(cohort_id)
    return next((one for one in COHORTS if str(one.id_in(project_id)) == wanted), None)


def members(cohort: Cohort, profiles: Iterable[Profile], history: History) -> list[Profile]:
    """The members, those without a profile among them."""
    known = {profile.distinct_id: profile for profile in profiles}
    if cohort.where:
        fits = compile_expression(cohort.where)
        now = noon_of_today(history.story)
        return [one for one in known.values() if truth(fits(Subject(one.properties, now=now)))]
    ids: Iterable[str | int] = cohort.listed or doers(history, cohort.event)
    return [known.get(one, Profile(one, {})) for one in ids]


def doers(history: History, event: str, days: int = 30) -> list[str | int]:
    """Who did something in the last days of the story."""
    last = history.story.last_day
    first = last - timedelta(days=days - 1)
    found: dict[str | int, None] = {}
    for day in history.story.days_between(first, last):
        rows = history.counted(day, late=False)
        found.update((row.properties["distinct_id"], None) for row in rows if row.name == event)
    # The visitor without an id is nobody.
    found.pop("", None)
    return list(found)


def query_entry(cohort: Cohort, project_id: str, count: int) -> dict[str, Any]:
    """A cohort as the query API lists it."""
    return {
        "id": cohort.id_in(project_id),
        "name": cohort.name,
        "count": count,
        "description": cohort.description,
        "created": f"{date(2024, 5, cohort.number % 28 + 1)} 11:22:33",
        "is_visible": int(cohort.visible),
        "project_id": int(project_id),
        "data_group_id": cohort.data_group_id,
    }


def app_entry(cohort: Cohort, project_id: str, count: int) -> dict[str, Any]:
    """A cohort as the app API shows it."""
    group = cohort.data_group_id
    return {
        "id": cohort.id_in(project_id),
        "name": cohort.name,
        "description": cohort.description or None,
        "count": count,
        "is_visible": cohort.visible,
        "is_locked": False,
        "data_group_id": None if group is None else str(group),
        "last_edited": "2025-02-02T03:04:05",
        "created_by": {"id": 9, "name": "Ana", "email": "ana@example.org"},
        "referenced_by": [],
        "verified": False,
    }
