"""Which profiles an Engage request is about: by id, cohort, behavior, expression or text.

Never formats an answer: the endpoints do.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from mp_mcp.demo.cohorts import find_cohort
from mp_mcp.demo.counted import counted_rows, current_day, selection
from mp_mcp.demo.expressions import Expression, ExpressionError, Subject, compile_expression
from mp_mcp.demo.profiles import COMPANIES, Profile
from mp_mcp.demo.rows import noon_of_today
from mp_mcp.demo.values import UNDEFINED, is_number, text_of, truth
from mp_mcp.demo.wire import Call, WireError

MAX_IDS = 2000
SEARCHED = ("$email", "$name", "$city", "plan")
_WINDOW = re.compile(r"(\d+)([dwm])")
_DAYS = {"d": 1, "w": 7, "m": 30}

Behaviors = dict[str, Counter[str]]
"""How often each user did something, by the name of the behavior."""


def everyone(call: Call) -> list[Profile]:
    """All profiles of the project, or of the group that is asked for."""
    group = str(call.params.get("data_group_id") or "")
    if group:
        if not group.lstrip("-").isdecimal():
            raise WireError(400, f"Invalid data_group_id: {group}")
        return call.project.companies if int(group) == COMPANIES else []
    if call.world.switches.blank_profile:
        return call.project.profiles
    return [profile for profile in call.project.profiles if profile.distinct_id != ""]


def selected(call: Call, condition: str = "where") -> list[Profile]:
    """The profiles that pass everything that is asked; `condition` names the expression."""
    asked_cohort = call.structure("filter_by_cohort", dict)
    behaviors = _behaviors(call)
    if asked_cohort and behaviors is not None:
        raise WireError(400, "behaviors and filter_by_cohort are mutually exclusive")
    found = _members(call, asked_cohort) if asked_cohort else everyone(call)
    ids = _ids(call)
    if ids is not None:
        found = [profile for profile in found if text_of(profile.distinct_id) in ids]
    where = call.expression(condition)
    if where is not None:
        found = _passing(call, found, where, behaviors or {})
    text = str(call.params.get("search") or "").lower()
    return [profile for profile in found if _mentions(profile, text)] if text else found


def in_cohort(call: Call, cohort_id: object) -> list[Profile]:
    """The members of a cohort, with or without a profile."""
    cohort = find_cohort(call.project.id, cohort_id)
    if cohort is None:
        raise WireError(400, f"Error in filter_by_cohort: no cohort {cohort_id}")
    return call.project.members(cohort)


def evaluated(call: Call, profiles: Sequence[Profile], expression: Expression) -> Iterator[Any]:
    """The value of an expression for each of the profiles."""
    try:
        for profile in profiles:
            yield expression(_subject(call, profile, {}))
    except ExpressionError as error:
        raise WireError(400, str(error)) from error


def in_order(call: Call, profiles: list[Profile]) -> list[Profile]:
    """Sorted as it is asked; who has no value comes last."""
    key = call.expression("sort_key")
    order = call.choice("sort_order", ("ascending", "descending"), "ascending")
    if key is None:
        return profiles
    values = list(evaluated(call, profiles, key))
    known = [pair for pair in zip(values, profiles, strict=True) if _has_rank(pair[0])]
    known.sort(key=lambda pair: _rank(pair[0]), reverse=order == "descending")
    unknown = [one for value, one in zip(values, profiles, strict=True) if not _has_rank(value)]
    return [profile for _, profile in known] + unknown


def _has_rank(value: Any) -> bool:
    return value is not UNDEFINED and value is not None


def _rank(value: Any) -> tuple[bool, float, str]:
    """Numbers before texts."""
    return (False, value, "") if is_number(value) else (True, 0, text_of(value))


def _ids(call: Call) -> set[str] | None:
    one = call.params.get("distinct_id")
    many = call.structure("distinct_ids", list)
    if many is not None and len(many) > MAX_IDS:
        raise WireError(400, f"Error in distinct_ids: at most {MAX_IDS} ids")
    if one in (None, "") and many is None:
        return None
    return {text_of(each) for each in (*(many or ()), *(() if one in (None, "") else (one,)))}


def _members(call: Call, asked: dict[str, Any]) -> list[Profile]:
    """The members, those without a profile too unless they are declined."""
    found = in_cohort(call, asked.get("id"))
    if call.flag("include_all_users", default=True):
        return found
    return [profile for profile in found if profile.properties]


def _passing(
    call: Call, profiles: Sequence[Profile], where: Expression, behaviors: Behaviors
) -> list[Profile]:
    try:
        return [one for one in profiles if truth(where(_subject(call, one, behaviors)))]
    except ExpressionError as error:
        raise WireError(400, str(error)) from error


def _subject(call: Call, profile: Profile, behaviors: Behaviors) -> Subject:
    user = text_of(profile.distinct_id)
    return Subject(
        properties=profile.properties,
        event={"$distinct_id": profile.distinct_id},
        behaviors={name: counts[user] for name, counts in behaviors.items()},
        now=noon_of_today(call.project.story),
    )


def _mentions(profile: Profile, text: str) -> bool:
    shown = (profile.distinct_id, *(profile.properties.get(name, "") for name in SEARCHED))
    return any(text in text_of(value).lower() for value in shown)


def _behaviors(call: Call) -> Behaviors | None:
    asked = call.structure("behaviors", list)
    if asked is None:
        return None
    try:
        return {str(one["name"]): _counts(call, one) for one in asked}
    except (KeyError, TypeError, ExpressionError) as error:
        raise WireError(400, f"Error in behaviors: {error}") from error


def _counts(call: Call, behavior: dict[str, Any]) -> Counter[str]:
    window = _WINDOW.fullmatch(str(behavior["window"]))
    if window is None:
        raise WireError(400, f"Error in behaviors: invalid window {behavior['window']}")
    last = current_day(call)
    if call.params.get("as_of_timestamp") not in (None, ""):
        moment = datetime.fromtimestamp(call.integer("as_of_timestamp", 0), call.project.zone)
        last = min(last, moment.date())
    first = last - timedelta(days=int(window[1]) * _DAYS[window[2]] - 1)
    counts: Counter[str] = Counter()
    for one in behavior["event_selectors"]:
        condition = one.get("selector")
        wanted = selection([one["event"]], compile_expression(condition) if condition else None)
        counts.update(row.user for row in counted_rows(call, first, last, wanted))
    return counts
