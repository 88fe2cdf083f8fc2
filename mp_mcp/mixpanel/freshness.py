"""For how long an answer of Mixpanel may be given again, in seconds.

Never knows an endpoint: each one chooses one of these rules for its own answers.
"""

from datetime import UTC, date, datetime

NEVER = 0.0
"""What changes by the minute, or is asked in order to see a change."""

DISCOVERY = 300.0
"""Names, reports, cohorts: people add some now and then."""

LEXICON = 900.0
"""Schemas change rarely, and Mixpanel answers five requests per minute about them."""

OPEN_RANGE = 60.0
"""Ranges in which events still come in."""

CLOSED_RANGE = 3600.0
"""Ranges of whole days that late events may still change."""

SETTLED_RANGE = 7 * 86400.0
"""Ranges of days that no event is expected for any more."""

LATE_DAYS = 5
"""Phones send events late; after so many days they hardly do."""


def until(last: date, today: date | None = None, *, days_after: int = 0) -> float:
    """For an answer that depends on the events up to the day `last`, included.

    `days_after`: as many more days count too, like conversions after the end of a range. The day is
    the project's, whose zone may be west of UTC: there, yesterday is not over yet.
    """
    now = (today or datetime.now(UTC).date()).toordinal()
    end = last.toordinal() + days_after
    if end >= now - 1:
        return OPEN_RANGE
    return CLOSED_RANGE if end >= now - LATE_DAYS - 1 else SETTLED_RANGE
