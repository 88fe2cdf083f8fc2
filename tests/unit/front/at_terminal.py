"""`mp` at a terminal of its own, with somebody who types.

Never waits without a bound.
"""

import os
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

# A session of its own gets this terminal for good: Ctrl-C is a signal, and /dev/tty is this one.
AT_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
CTRL_C, CTRL_D = "\x03", "\x04"


def on_terminal(
    home: Path,
    *words: str,
    typed: tuple[str, ...] = (),
    stdout: int | None = None,
    size: tuple[int, int] = (0, 0),
    environ: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, str]:
    """Run `mp` at a terminal of `size` (lines, columns): exit code and what was seen.

    Each prompt gets an answer. Colours are off unless `environ` says otherwise.
    """
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, size)
    process = subprocess.Popen(
        [sys.executable, "-c", AT_TERMINAL, "-m", "mp_mcp", *words],
        stdin=theirs,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
        env={**os.environ, "NO_COLOR": "1", "TERM": "xterm", "MP_HOME": str(home), **environ},
        start_new_session=True,
    )
    os.close(theirs)
    pending = list(typed)
    seen = b""
    with suppress(OSError):  # the end of a terminal is an error
        while select.select([ours], [], [], 20)[0]:
            seen += os.read(ours, 65536)
            if pending and seen.endswith(b": "):
                text = pending.pop(0)
                _wait_until_it_reads(process.pid)
                os.write(ours, (text if text in (CTRL_C, CTRL_D) else text + "\n").encode())
    os.close(ours)
    return process.wait(20), seen.decode().replace("\r\n", "\n")


def _wait_until_it_reads(pid: int) -> None:
    """Nobody types faster than this.

    A signal that comes between the prompt and the read does not end the read (CPython looks for
    signals before it, not in it): a Ctrl-C typed there, once in some thousand times, is not heard.
    """
    until = time.monotonic() + 20
    while _state(pid) not in "SZ" and time.monotonic() < until:
        os.sched_yield()


def _state(pid: int) -> str:
    """As in `man proc_pid_stat`: S sleeps until something comes, Z ended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
