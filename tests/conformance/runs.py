"""One run of the suite or of the Inspector, and the line that says how it went.

Never judges by itself what passes: the tools' exit codes and their own summaries do.
"""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.conformance.packages import command, environ

PATIENCE_S = 300


class Run(NamedTuple):
    """What was run, whether it passed, and how it ended in a few words."""

    what: str
    passed: bool
    summary: str
    output: str

    def __str__(self) -> str:
        return f"{'pass' if self.passed else 'FAIL'}  {self.what}: {self.summary}"


def suite(url: str, revision: str, results: Path) -> Run:
    """All scenarios that a revision requires of a server."""
    words = ["server", "--url", url, "--requirements", revision, "--output-dir", str(results)]
    code, output = _finished("conformance", *words)
    listed, _, apart = output.partition("=== SUMMARY ===")[2].partition("Not scored for")
    unscored = set(re.findall(r"^ *[✓✗] (\S+) \(", apart, re.M))
    ends = re.findall(r"^[✓✗] (\S+): \d+ passed, (\d+) failed", listed, re.M)
    scored = {name: int(failed) for name, failed in ends if name not in unscored}
    good = sum(failed == 0 for failed in scored.values())
    passed = code == 0 and 0 < good == len(scored)
    summary = f"{good} of {len(scored)} scored scenarios pass, exit {code}"
    return Run(f"conformance {revision}", passed, summary, output)


def inspector(what: str, *words: str) -> Run:
    """One request of the Inspector's command line."""
    code, output = _finished("mcp-inspector", "--cli", *words)
    found = re.search(r"^\d+ errors?, .*$", output, re.M)
    summary = f"exit {code}" + (f", {found[0].rstrip('.')}" if found else "")
    return Run(f"inspector {what}", code == 0, summary, output)


def _finished(name: str, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [command(name), *words],
        env=environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    return done.returncode, done.stdout
