"""`make bench`: every figure in one run, as JSON on stdout and in bench.json.

Never asserts a time. `python -m tests.bench starts calls queries ingest` runs some parts;
`--events N` sets about how many events the big fetch has. The part `memory`, a fetch of five times
as many, runs only when it is named.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

from mp_mcp.demo.running import Running, simulator
from mp_mcp.demo.story import Story
from mp_mcp.resolve import base_url_name
from mp_mcp.settings import Home
from tests.bench import beside, calls, ingest, queries, starts
from tests.bench.timing import Figures
from tests.processes.agents import bare_environ, mp
from tests.processes.quotas import grant

DAYS = 10
FIRST, LAST = "2025-03-01", "2025-03-10"
ONE_DAY = FIRST
"""A Saturday: about 8 % of the events."""


def main() -> None:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "memory", []])
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    story = Story(days=DAYS, events_per_day=1000, last_day=date.fromisoformat(LAST))
    per_day = ingest.events_per_day(story, options.events)
    found: Figures = {"machine": platform.platform(), "python": platform.python_version()}
    with (
        tempfile.TemporaryDirectory(prefix="mp-bench-") as name,
        simulator(events_per_day=per_day, days=DAYS, last_day=LAST) as mixpanel,
    ):
        folder = Path(name)
        home = Home(folder / "home")
        environ = bare_environ() | {"MP_HOME": str(home.path)} | mixpanel.environ()
        grant(home, f"{base_url_name(mixpanel.base_url)}/{environ['MP_PROJECT_ID']}")
        try:
            for part in options.parts or PARTS:
                if part == "memory":
                    _memory(found, environ, home, mixpanel, per_day)
                else:
                    PARTS[part](found, environ, home, mixpanel, folder)
        finally:
            mp(environ, "server", "stop")
    text = json.dumps(found, indent=2)
    Path("bench.json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


Part = Callable[[Figures, dict[str, str], Home, Running, Path], None]


def _starts(found: Figures, environ: dict[str, str], home: Home, _: Running, folder: Path) -> None:
    found["whole commands"] = starts.commands(environ)
    found["mp-mcp to first tools/list"] = starts.agents(environ, home, folder)


def _calls(found: Figures, environ: dict[str, str], home: Home, *_: object) -> None:
    found["select 1 through mp-mcp"] = calls.one_by_one(environ)
    found["32 in flight"] = calls.many_at_once(environ, home)
    with beside.fetching(environ, ONE_DAY) as fetches:
        mixed = calls.many_at_once(environ, home, until=lambda: len(fetches) >= 2)
        found["32 in flight beside a fetch"] = {**mixed, "fetches of events": list(fetches)}
    found["beside a long query"] = beside.long_query(environ)
    found["beside a fetch"] = beside.fetch(environ, ONE_DAY)


def _ingest(
    found: Figures, environ: dict[str, str], home: Home, mixpanel: Running, folder: Path
) -> None:
    # The simulator makes its files when they are first asked for: not within the measurement.
    ingest.plain(mixpanel, folder, (FIRST, LAST), environ)
    found["fetch"] = ingest.fetch(environ, home, mixpanel, folder, (FIRST, LAST))
    found["reads beside a fetch"] = ingest.reads_beside(environ, home, (FIRST, LAST))


def _memory(
    found: Figures, environ: dict[str, str], home: Home, mixpanel: Running, per_day: int
) -> None:
    once = ingest.memory(environ, home, mixpanel, (FIRST, LAST))
    with simulator(events_per_day=5 * per_day, days=DAYS, last_day=LAST) as five_times:
        grant(home, f"{base_url_name(five_times.base_url)}/{environ['MP_PROJECT_ID']}")
        big = ingest.memory(environ, home, five_times, (FIRST, LAST))
    times = round(big["peak_rss_mb"] / once["peak_rss_mb"], 2)
    found["memory"] = {"events": once, "5 x events": big, "peak: times": times}


def _queries(found: Figures, environ: dict[str, str], _: Home, __: Running, folder: Path) -> None:
    found["a view of 300 properties"] = queries.wide_table(environ, folder)


PARTS: dict[str, Part] = {
    "starts": _starts,
    "calls": _calls,
    "queries": _queries,
    "ingest": _ingest,
}

if __name__ == "__main__":
    main()
