"""The example of an agent that finds a cause, run as a user runs it."""

import re
import subprocess
import sys
from pathlib import Path

from tests.processes.agents import bare_environ

EXAMPLE = Path(__file__).parents[2] / "examples" / "agent_transcript.py"
PATIENCE_S = 120


def test_an_agent_finds_why_purchases_fell_in_few_calls_and_tokens(tmp_path: Path) -> None:
    environ = bare_environ() | {"HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, EXAMPLE],
        capture_output=True,
        text=True,
        env=environ,
        cwd=tmp_path,
        timeout=PATIENCE_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = re.search(r"Purchase fell in BR from (\d+) to (\d+) a week", done.stdout)
    assert found
    assert int(found[2]) < int(found[1]) / 2
    for part in ("'Payment Failed'", "'pix'", "'4.2.0'", "'provider_timeout'"):
        assert part in done.stdout.partition(found[0])[2]
    counted = re.search(r"^(\d+) tool calls, ([\d,]+) tokens of results", done.stdout, re.M)
    assert counted
    calls = len(re.findall(r"^ ?\d+\. [a-z]+_[a-z]+\(", done.stdout, re.M))
    assert calls == int(counted[1]) <= 12
    assert 100 < int(counted[2].replace(",", "")) <= 8_000
    assert list(tmp_path.iterdir()) == [], "nothing of the user's was touched"
