"""Long text on a terminal, through the pager that the person uses.

Never pages what fits on the screen, and never fails without a pager: then it is printed.
"""

import os
import shlex
import signal
import subprocess
from contextlib import suppress

LESS = "FRX"
"""Quit if it fits, show colours, leave the text on the screen."""


def page(text: str) -> bool:
    """Show it in $PAGER, else in less; False when there is none."""
    words = shlex.split(os.environ.get("PAGER", "less"))
    if not words or words == ["cat"]:
        return False
    environ = {**os.environ, "LESS": os.environ.get("LESS") or LESS, "LESSCHARSET": "utf-8"}
    try:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, env=environ)
    except OSError:
        return False
    # Ctrl-C is for the pager as long as it runs: ending first would leave it without a terminal.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with suppress(OSError):  # it was closed before its end
            process.communicate(text.encode("utf-8", "backslashreplace"))
        process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return True
