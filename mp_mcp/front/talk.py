"""What `mp` says to the person: errors, hints and a spinner, all on stderr.

Never writes data, and never lets a text of the server reach the terminal with control characters.
"""

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

from mp_mcp.errors import ErrorInfo

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPINNER_AFTER_S = 0.4
BAR_WIDTH = 20
WITHOUT_HINT = "`mp --help` lists the commands; `mp server logs` may say more."
NARROWEST_BAR = 5
RED = "1;31"
CYAN = "36"


def printable(text: str) -> str:
    """The text on one line, with escape sequences made visible."""
    if text.isprintable():
        return text
    flat = " ".join(text.split())
    return "".join(c if is_printable(c) else escape(c) for c in flat)


def is_printable(character: str) -> bool:
    """Whether a terminal only draws it. Joiners make emoji and letters of many languages."""
    return character.isprintable() or character in "\u200c\u200d"


def escape(character: str) -> str:
    """A character that must not reach a terminal, made visible."""
    return character.encode("unicode_escape").decode()


def terminal_width() -> int:
    """Columns of the terminal. `shutil` knows it too, at the price of three compression modules."""
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(OSError, ValueError, AttributeError):
            return os.get_terminal_size(stream.fileno()).columns or 80  # type: ignore[union-attr]
    return 80


def has_colour(stream: TextIO) -> bool:
    """Whether colours are wanted there: see no-color.org."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def say(line: str, *, label: str = "", style: str = "") -> None:
    """One line on stderr, after its label. A closed stderr is no reason to fail."""
    with suppress(OSError, ValueError):
        before = f"\x1b[{style}m{label}\x1b[0m" if style and has_colour(sys.stderr) else label
        sys.stderr.write(before + (" " if label else "") + _encodable(printable(line)) + "\n")
        sys.stderr.flush()


def error(found: ErrorInfo) -> None:
    """An error in its two lines: what, then what to do."""
    say(found.message, label="error:", style=RED)
    say(found.hint or WITHOUT_HINT, label="hint:", style=CYAN)


class Spinner:
    """A link.Watch that shows elapsed seconds and progress on one line of the terminal."""

    def __init__(self, title: str, after_s: float = SPINNER_AFTER_S) -> None:
        self._title = title
        self._after_s = after_s
        self._started = time.monotonic()
        self._message = ""
        self._share: float | None = None
        self._is_shown = False

    def __call__(self, progress: Mapping[str, Any] | None) -> None:
        """Take in a progress notification, and draw."""
        if progress is not None:
            self._message = printable(str(progress.get("message") or ""))
            self._share = _share(progress)
        elapsed = time.monotonic() - self._started
        if elapsed < self._after_s:
            return
        line = self._line(elapsed, terminal_width() - 1)
        self._write("\r\x1b[K" + _encodable(line))
        self._is_shown = True

    def erase(self) -> None:
        """Leave no trace on the terminal."""
        if self._is_shown:
            self._write("\r\x1b[K")
            self._is_shown = False

    def _line(self, elapsed: float, width: int) -> str:
        """The bar takes the room that is left; where there is little, numbers come before words."""
        frame = FRAMES[int(elapsed * 10) % len(FRAMES)]
        begin, end = f"{elapsed:.0f} s", self._message
        if self._share is not None:
            end = f"{self._share:.0%} {end}"
        if len(f"{frame} {self._title} {begin} {end}") <= width:
            begin = f"{self._title} {begin}"
        room = min(BAR_WIDTH, width - len(f"{frame} {begin}  {end}"))
        if self._share is not None and room >= NARROWEST_BAR:
            full = int(self._share * room)
            end = f"{'█' * full}{'░' * (room - full)} {end}"
        return f"{frame} {begin} {end}"[:width]

    def _write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()


def _share(progress: Mapping[str, Any]) -> float | None:
    done, total = progress.get("progress"), progress.get("total")
    if isinstance(done, int | float) and isinstance(total, int | float) and total > 0:
        return min(done / total, 1)
    return None


def _encodable(text: str) -> str:
    encoding = sys.stderr.encoding or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)
