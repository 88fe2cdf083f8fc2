"""`make conformance`: the official suite and the Inspector, against what serves our clients.

Never passes when anything fails: one line for each run, all the output of those that failed.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from tests.conformance.packages import environ, install
from tests.conformance.runs import Run, inspector, suite

BIN = Path(sys.executable).parent
REVISIONS = ("2026-07-28", "2025-11-25")
ERAS = ("legacy", "modern")
LIST = ("--method", "tools/list", "--strict", "--format", "json")
CALL = ("--method", "tools/call", "--tool-name", "query_sql", "--tool-arg", "sql=SELECT 42")


def main() -> int:
    """Install, run everything, say how it went."""
    install()
    failed = []
    for run in (*_suites(), *_inspections()):
        _say(str(run))
        if not run.passed:
            failed.append(run)
    for run in failed:
        _say(f"\n=== {run.what} ===\n{run.output}")
    return 1 if failed else 0


def _suites() -> Iterator[Run]:
    with tempfile.TemporaryDirectory(prefix="mp-") as folder, _fixture_server() as url:
        for revision in REVISIONS:
            yield suite(url, revision, Path(folder))


@contextmanager
def _fixture_server() -> Iterator[str]:
    words = [sys.executable, "-m", "tests.conformance.server"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/mcp"
        finally:
            server.terminate()


def _inspections() -> Iterator[Run]:
    with tempfile.TemporaryDirectory(prefix="mp-") as home:
        try:
            yield from _over_stdio(home)
            if find_spec("mp_mcp.server.http_door"):
                yield from _over_http(home)
        finally:
            _mp(home, "server", "stop")


def _over_stdio(home: str) -> Iterator[Run]:
    ours = (str(BIN / "mp-mcp"), "-e", f"MP_HOME={home}", "-e", "MP_PROJECT_ID=1001")
    for era in ERAS:
        for what, words in (("tools/list", LIST), ("tools/call", CALL)):
            yield inspector(f"stdio {era} {what}", *ours, *words, "--protocol-era", era)


def _over_http(home: str) -> Iterator[Run]:
    _mp(home, "server", "stop")
    _mp(home, "server", "start", "--http")
    status = json.loads(_mp(home, "server", "status", "--show-token", "--format", "json"))
    token = f"Authorization: Bearer {status['token']}"
    ours = (status["http"], "--transport", "http", "--header", token)
    for era in ERAS:
        for what, words in (("tools/list", LIST), ("tools/call", CALL)):
            yield inspector(f"http {era} {what}", *ours, *words, "--protocol-era", era)


def _mp(home: str, *words: str) -> str:
    done = subprocess.run(
        [BIN / "mp", "--quiet", *words],
        env=environ(MP_HOME=home, MP_PROJECT_ID="1001"),
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
