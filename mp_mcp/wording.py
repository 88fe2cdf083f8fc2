"""Words for messages: the closest known name, and texts cut to what somebody reads.

Never says what is wrong: the raiser of an error does. Standard library only.
"""

from collections.abc import Iterable

LONGEST_TEXT = 4_000
"""A message echoes what it was given, which may be megabytes: no host shows more to its model."""

LONGEST_NAME = 200
"""Comparing takes time in proportion, and nobody mistypes a longer name."""


def closest(wanted: str, known: Iterable[str], count: int = 1, likeness: float = 0.6) -> list[str]:
    """The known names that look most like the wanted one, best first."""
    import difflib  # 3 ms that only a mistake costs

    if len(wanted) > LONGEST_NAME:
        return []
    return difflib.get_close_matches(wanted, list(known), count, likeness)


def shortened(text: str) -> str:
    """The text, or its beginning and how long it is."""
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}… [cut: {len(text):,} characters]"
