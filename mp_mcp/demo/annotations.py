"""The notes on a project's timeline, and their tags.

Never speaks HTTP: `endpoints_annotations.py` does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from mp_mcp.demo.story import BROKEN_RELEASE, DROP_DAYS, GOOD_RELEASE, Story

USER = {"id": 9, "first_name": "Ana", "last_name": "P"}


@dataclass
class Annotation:
    """One note; its date is a time in the project's zone, as text."""

    id: int
    date: str
    description: str
    tag_ids: list[int]


class AnnotationBook:
    """The notes of one project; they can be changed while the simulator runs."""

    def __init__(self, project_id: str, story: Story) -> None:
        self._project_id = int(project_id)
        self._last_id = 4
        self.tags: dict[int, str] = {1: "release", 2: "campaña"}
        self.notes: dict[int, Annotation] = {}
        drop = story.last_day - timedelta(days=DROP_DAYS - 1)
        self.add(f"{story.first_day} 12:00:00", f"Release {GOOD_RELEASE}", [1])
        self.add(f"{story.first_day + timedelta(days=1)} 08:30:00", "Ofertas 🛒", [2])
        self.add(f"{max(drop, story.first_day)} 09:00:00", f"Release {BROKEN_RELEASE}", [1])

    def add(self, when: str, description: str, tag_ids: list[int]) -> Annotation:
        """A new note."""
        self._last_id += 1
        note = Annotation(self._last_id, when, description, tag_ids)
        self.notes[note.id] = note
        return note

    def add_tag(self, name: str) -> int:
        """The id of the tag with a name, new or not."""
        for number, known in self.tags.items():
            if known == name:
                return number
        number = max(self.tags) + 1
        self.tags[number] = name
        return number

    def between(self, first: date, last: date, tag_ids: set[int]) -> Iterator[Annotation]:
        """The notes of some days, both ends included; those with one of the tags, if any."""
        for note in sorted(self.notes.values(), key=lambda note: note.date):
            day = date.fromisoformat(note.date[:10])
            if first <= day <= last and (not tag_ids or tag_ids & set(note.tag_ids)):
                yield note

    def shown(self, note: Annotation) -> dict[str, Any]:
        """A note as the service sends it."""
        return {
            "id": note.id,
            "project_id": self._project_id,
            "date": note.date,
            "description": note.description,
            "user": USER,
            "tags": [{"id": one, "name": self.tags[one]} for one in note.tag_ids],
        }

    def shown_tag(self, number: int) -> dict[str, Any]:
        """A tag as the service sends it."""
        return {
            "id": number,
            "name": self.tags[number],
            "project_id": self._project_id,
            "has_annotations": any(number in note.tag_ids for note in self.notes.values()),
        }
