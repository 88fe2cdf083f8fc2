"""Where the answer will be read: a terminal of some size and colour, or a file.

Never writes to it. Styles are the sixteen colours of the terminal's own theme, so that they are
readable on a light and on a dark one.
"""

import os
import sys
from typing import NamedTuple

from mp_mcp.front.talk import has_colour, terminal_width

STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "blue": "34", "cyan": "36"}


class Screen(NamedTuple):
    """A terminal; without a `width` it is a file or a pipe, for which nothing is embellished."""

    width: int | None
    height: int | None = None
    colour: bool = False

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads it."""
        return self.width is not None

    def ink(self, text: str, style: str) -> str:
        """The text in one of STYLES, or in a code of its own such as `48;5;31`."""
        if not self.colour or not text:
            return text
        return f"\x1b[{STYLES.get(style, style)}m{text}\x1b[0m"


FILE = Screen(None)


def here() -> Screen:
    """What stdout leads to."""
    if not sys.stdout.isatty():
        return FILE
    return Screen(terminal_width(), _height(), has_colour(sys.stdout))


def _height() -> int | None:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).lines or None
    except (OSError, ValueError, AttributeError):
        return None
