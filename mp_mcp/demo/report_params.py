"""What each saved report shows: its `params`, chosen by its type and its number.

Never computes a report.
"""

from typing import Any

CUSTOM_EVENT_ID = 77
COUNTRY = "mp_country_code"


def params_of(kind: str, number: int) -> dict[str, Any]:
    """The params of one saved report; neighbours differ."""
    choices = _CHOICES[kind]
    return choices[number % len(choices)]


def event_behavior(name: str, **more: Any) -> dict[str, Any]:
    """One event in a report."""
    return {
        "type": "event",
        "name": name,
        "resourceType": "events",
        "filtersDeterminer": "all",
        "filters": [],
        **more,
    }


def metric(behavior: dict[str, Any], math: str, prop: str | None = None) -> dict[str, Any]:
    """One number that a report shows."""
    measurement: dict[str, Any] = {"math": math}
    if prop is not None:
        measurement["property"] = {"name": prop, "type": "number", "resourceType": "events"}
    return {"type": "metric", "behavior": behavior, "measurement": measurement}


def sections(
    *show: dict[str, Any],
    chart: str = "line",
    unit: str = "day",
    group: str | None = None,
    where: tuple[dict[str, Any], ...] = (),
    last: tuple[int, str] = (30, "day"),
) -> dict[str, Any]:
    """The params of a report of the last days."""
    window = {"unit": last[1], "value": last[0]}
    return {
        "sections": {
            "show": list(show),
            "time": [{"dateRangeType": "in the last", "unit": unit, "window": window}],
            "filter": list(where),
            "group": [_group(group)] if group else [],
        },
        "displayOptions": {"chartType": chart, "analysis": "linear"},
    }


def equals(prop: str, *values: str) -> dict[str, Any]:
    """A filter of texts."""
    return {
        "resourceType": "events",
        "filterType": "string",
        "defaultType": "string",
        "value": prop,
        "filterOperator": "equals",
        "filterValue": list(values),
    }


def _group(prop: str) -> dict[str, Any]:
    return {
        "value": prop,
        "propertyName": prop,
        "resourceType": "events",
        "propertyType": "string",
        "propertyDefaultType": "string",
    }


def _funnel(duration: int, unit: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    behavior = {
        "type": "funnel",
        "resourceType": "events",
        "behaviors": [{**step, "funnelOrder": "loose"} for step in steps],
        "conversionWindowDuration": duration,
        "conversionWindowUnit": unit,
        "funnelOrder": "loose",
        "exclusions": [],
        "aggregateBy": [],
        "filter": [],
    }
    return sections(metric(behavior, "conversion_rate_unique"), chart="funnel-steps", **more)


def _retention(
    last: tuple[int, str], alignment: str, born: str, back: str, **more: Any
) -> dict[str, Any]:
    behavior = {
        "type": "retention",
        "resourceType": "events",
        "behaviors": [event_behavior(born), event_behavior(back)],
        "retentionUnit": last[1],
        "retentionAlignmentType": alignment,
        "retentionCustomBucketSizes": [],
        "filter": [],
    }
    return sections(metric(behavior, "retention_rate"), chart="retention-curve", last=last, **more)


def _flow(*steps: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": 2,
        "chartType": "sankey",
        "flows_merge_type": "graph",
        "count_type": "unique",
        "cardinality_threshold": 3,
        "date_range": {
            "type": "in the last",
            "from_date": {"unit": "day", "value": 30},
            "to_date": "$now",
        },
        "conversion_window": {"unit": "day", "value": 7},
        "anchor_position": 1,
        "collapse_repeated": False,
        "show_custom_events": True,
        "hidden_events": [],
        "exclusions": [],
        "steps": list(steps),
    }


def _anchor(event: str, forward: int, reverse: int) -> dict[str, Any]:
    return {
        "event": event,
        "step_label": event,
        "forward": forward,
        "reverse": reverse,
        "bool_op": "and",
        "property_filter_params_list": [],
    }


_ACTIVATED = event_behavior(
    f"$custom_event:{CUSTOM_EVENT_ID}", type="custom-event", id=CUSTOM_EVENT_ID
)
_PURCHASE = event_behavior("Purchase")
_RATE = {"type": "formula", "definition": "(B / A) * 100", "measurement": {}, "name": "Buyers"}
_HIDDEN = {"isHidden": True}
_INSIGHTS = (
    sections(metric(_PURCHASE, "total")),
    sections(metric(event_behavior("Login"), "unique")),
    sections(metric(event_behavior("Page View"), "total"), group="plan"),
    sections(metric(_PURCHASE, "total", "amount"), chart="bar"),
    sections(metric(event_behavior("Signup"), "unique"), chart="bar", group=COUNTRY),
    sections(
        metric(event_behavior("Login"), "total"),
        metric(event_behavior("Signup"), "total"),
        unit="week",
    ),
    sections(metric(_PURCHASE, "average", "amount"), where=(equals(COUNTRY, "BR", "PT"),)),
    sections(
        {**metric(event_behavior("Page View"), "unique"), **_HIDDEN},
        {**metric(_PURCHASE, "unique"), **_HIDDEN},
        _RATE,
        chart="bar",
    ),
)
_CHOICES: dict[str, tuple[dict[str, Any], ...]] = {
    "insights": _INSIGHTS,
    "launch-analysis": _INSIGHTS[:1],
    "funnels": (
        _funnel(14, "day", event_behavior("Signup"), _PURCHASE),
        _funnel(7, "day", event_behavior("Page View"), event_behavior("Search"), _PURCHASE),
        _funnel(30, "day", event_behavior("Signup"), {**_ACTIVATED, "renamed": "Activated"}),
        _funnel(12, "hour", event_behavior("Page View"), event_behavior("Page View"), group="plan"),
    ),
    "retention": (
        _retention((14, "day"), "birth", "Signup", "Login"),
        _retention((5, "week"), "interval_start", "Login", "Purchase"),
        _retention((10, "day"), "birth", "Signup", "Page View", group=COUNTRY),
    ),
    "flows": (
        _flow(_anchor("Login", 3, 0)),
        _flow(_anchor("Purchase", 1, 2)),
        _flow(_anchor("Signup", 2, 0), _anchor("Purchase", 1, 0)),
    ),
}
