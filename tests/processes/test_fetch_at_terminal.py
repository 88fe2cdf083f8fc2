"""A fetch at a terminal: a bar that tells how far it is, and a clean screen afterwards."""

import os
import re
import select
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from mp_mcp.demo.running import Running
from tests.processes.jobs import EXPORT, FETCH, jobs, last_day_held
from tests.unit.front.at_terminal import AT_TERMINAL, CTRL_C

PATIENCE_S = 30


class Terminal:
    """A terminal with `mp` in it."""

    def __init__(self, process: "subprocess.Popen[bytes]", ours: int) -> None:
        self._process = process
        self._ours = ours
        self._seen = b""

    def wait_for(self, pattern: str) -> "re.Match[str]":
        """Read on until this was written."""
        while (found := re.search(pattern, self.seen)) is None:
            assert self._read(), f"{pattern} never came: {self.seen!r}"
        return found

    def press(self, key: str) -> None:
        """Type one key."""
        os.write(self._ours, key.encode())

    def finish(self) -> int:
        """Read to the end; the exit code."""
        while self._read():
            pass
        return self._process.wait(PATIENCE_S)

    @property
    def seen(self) -> str:
        """All that was written."""
        return self._seen.decode(errors="replace").replace("\r\n", "\n")

    @property
    def screen(self) -> list[str]:
        """The lines that are left on the screen."""
        return [re.split("\r\x1b\\[K", line)[-1] for line in self.seen.split("\n")]

    def _read(self) -> bytes:
        assert select.select([self._ours], [], [], PATIENCE_S)[0], self.seen
        found = b""
        with suppress(OSError):  # the end of a terminal is an error
            found = os.read(self._ours, 65536)
        self._seen += found
        return found


@contextmanager
def terminal(environ: Mapping[str, str], *words: str) -> Iterator[Terminal]:
    """`mp` in a terminal of its own."""
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = subprocess.Popen(
        [sys.executable, "-c", AT_TERMINAL, "-m", "mp_mcp", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environ, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_the_bar_shows_how_far_it_is_and_leaves_a_clean_screen(
    environ: dict[str, str], mixpanel: Running
) -> None:
    # A second slow export: what is loaded after the first second has a rate.
    mixpanel.fault(EXPORT, "delay", seconds=2, query={"from_date": "2025-03-02"})
    with last_day_held(mixpanel), terminal(environ, *FETCH) as at:
        at.wait_for(
            r"fetch events \d+ s █+░+ 90% 9 of 10 days, [\d,]+ events, \d+\.\d MB"
            r"(, [\d,]+/s, \d+ s left)?"
        )
        at.wait_for(r" \d+\.\d MB, [\d,]+/s, \d+ s left\r")
        mixpanel.clear_faults()
        assert at.finish() == 0
        assert "%" not in "".join(at.screen)
        assert at.screen[0].split() == ["state", "done"]
        assert ["days", "10"] in [line.split() for line in at.screen]


def test_ctrl_c_at_a_terminal_leaves_whole_lines_and_no_bar(
    environ: dict[str, str], mixpanel: Running
) -> None:
    with last_day_held(mixpanel), terminal(environ, *FETCH) as at:
        at.wait_for("9 of 10 days")
        at.press(CTRL_C)
        assert at.finish() == 130
        lines = [line.removeprefix("^C") for line in at.screen if line]
        assert [line.split()[0] for line in lines] == ["stopping", "stopped:", "interrupted"], (
            at.seen
        )
    assert [job["state"] for job in jobs(environ)] == ["cancelled"]
