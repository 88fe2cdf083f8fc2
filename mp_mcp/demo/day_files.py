"""The events of whole days as compressed files, made when they are first asked for.

Never holds a day in memory, and never rewrites a file: equal stories share one folder.
"""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from mp_mcp.demo.events import events_of, line_of
from mp_mcp.demo.segments import Segment, SegmentWriter, open_segment
from mp_mcp.demo.story import Story
from mp_mcp.demo.users import User


class DayFiles:
    """The folder of one story."""

    def __init__(self, folder: Path, story: Story, users: Sequence[User]) -> None:
        self._folder = folder / story.fingerprint()
        self._story = story
        self._users = users
        self._making = threading.Lock()

    def segments(self, day: date, *, late: bool, in_ms: bool = False) -> list[Segment]:
        """The parts of a day that have arrived; the late part only when it is let in."""
        parts = ("on-time", "late") if late and self._story.is_late_day(day) else ("on-time",)
        paths = [self._path(day, part, in_ms) for part in parts]
        # One at a time: two requests for the same day share the work.
        with self._making:
            if not all(path.exists() for path in paths):
                self._make(day, in_ms)
        return [open_segment(path) for path in paths]

    def _path(self, day: date, part: str, in_ms: bool) -> Path:
        return self._folder / f"{day}.{part}.{'ms' if in_ms else 's'}"

    def _make(self, day: date, in_ms: bool) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as undo:
            on_time, late = (
                SegmentWriter(self._path(day, part, in_ms)) for part in ("on-time", "late")
            )
            undo.callback(on_time.abandon)
            undo.callback(late.abandon)
            for event in events_of(self._story, self._users, day):
                (late if event.late else on_time).write(line_of(event, in_ms))
            late.close()
            on_time.close()
