"""Answers of a saved report, short to write: the report's table is what tests look at.

Never holds a shape itself: tests write those, and look at them.
"""

from typing import Any

from mp_mcp.mixpanel.report_shapes import answer_of, table_of
from mp_mcp.results import Rows

MONDAY, TUESDAY = "2025-03-09T00:00:00-08:00", "2025-03-10T00:00:00-07:00"


def shown(series: Any, *headers: str) -> Rows:
    """The table of a report with these headers."""
    sent = {"headers": list(headers) or None, "series": series, "meta": {}, "x": 1}
    return table_of(answer_of(sent))
