"""The story that the demo data tells: how long, how much, and what happens on which day.

Never makes an event: it only says what a day is like.

A small shop with subscriptions sells all over the world in a weekly rhythm. In the last week a new
app release breaks one payment method, so purchases drop in the one country that pays with it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

WEEKDAY_WEIGHTS = (1.1, 1.15, 1.2, 1.15, 1.05, 0.7, 0.65)
"""Monday to Sunday; their mean is 1, so that a week has seven times the events per day."""

DRIFT_DAY = 5
"""Index of the day from which events carry the property `experiment`."""

VERSION_TEXT_DAY = 8
"""Index of the day from which `$browser_version` is a string; before it is a number."""

EMPTY_DAY = 3
"""Index of the day without any event, in stories of at least a week."""

LATE_DAYS = 5
"""Some events of this many last days arrive only after the story is told to let them in."""

DROP_COUNTRY = "BR"
DROP_DAYS = 7
BROKEN_METHOD = "pix"
BROKEN_RELEASE = "4.2.0"
GOOD_RELEASE = "4.1.3"


def yesterday() -> date:
    """The last whole day, in UTC."""
    return datetime.now(UTC).date() - timedelta(days=1)


@dataclass(frozen=True)
class Story:
    """What determines every event; equal stories have equal events."""

    seed: int = 1
    days: int = 40
    events_per_day: int = 250
    last_day: date = field(default_factory=yesterday)

    @property
    def first_day(self) -> date:
        """The day of the first event."""
        return self.last_day - timedelta(days=self.days - 1)

    @property
    def today(self) -> date:
        """What the simulated Mixpanel takes for today: the day after the story."""
        return self.last_day + timedelta(days=1)

    @property
    def empty_day(self) -> date | None:
        """The day on which nothing happened."""
        return self.first_day + timedelta(days=EMPTY_DAY) if self.days >= 7 else None

    @property
    def user_count(self) -> int:
        """How many people are in the story."""
        return min(20_000, max(60, self.days * self.events_per_day // 25))

    def index(self, day: date) -> int:
        """How many days after the first day."""
        return (day - self.first_day).days

    def count_on(self, day: date) -> int:
        """How many things happen on a day, before duplicates."""
        if not self.first_day <= day <= self.last_day or day == self.empty_day:
            return 0
        return max(1, round(self.events_per_day * WEEKDAY_WEIGHTS[day.weekday()]))

    def days_between(self, first: date, last: date) -> Iterator[date]:
        """The days of a range, both ends included, as far as the story goes."""
        day = max(first, self.first_day)
        while day <= min(last, self.last_day):
            yield day
            day += timedelta(days=1)

    def is_late_day(self, day: date) -> bool:
        """Whether some events of this day are still on their way."""
        return 0 <= (self.last_day - day).days < LATE_DAYS

    def is_drop_day(self, day: date) -> bool:
        """Whether the payment method of the country is broken on this day."""
        return 0 <= (self.last_day - day).days < DROP_DAYS

    def fingerprint(self) -> str:
        """A short name for files that hold these events; other parameters or code, another name."""
        digest = hashlib.sha256(repr(self).encode())
        for module in ("story.py", "users.py", "events.py"):
            digest.update(Path(__file__).with_name(module).read_bytes())
        return digest.hexdigest()[:16]
