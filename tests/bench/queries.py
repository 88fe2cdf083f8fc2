"""How fast SQL is on a wide event table, beside tables that a person would make by hand.

Never asserts a time. All run on the same server, with the same rows.
"""

import gzip
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.bench.timing import Figures, milliseconds, timed
from tests.processes.agents import Agent, mp

ROWS = 1_000_000
FEATURES = 280
"""Properties that one row in a hundred has; with the frequent ones the view has 300."""

ROUNDS = 15
FIRST_SECOND = 1740787200
TAIL = "feature_7"

TYPED = "SELECT event, time, distinct_id, plan, amount FROM wide"
WHOLE = "SELECT event, time, distinct_id, properties FROM wide"
GROUP = "SELECT plan, count(*), sum(amount) FROM {} GROUP BY 1 ORDER BY 1"


def wide_table(environ: Mapping[str, str], folder: Path) -> Figures:
    """A group-by on typed columns and a rare property, each beside its rival."""
    path = folder / "wide.ndjson.gz"
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8") as file:
        file.writelines(_lines())
    assert mp(environ, "load", str(path), "--table", "wide").json["rows"] == ROWS
    with Agent(environ) as agent:
        agent.call("save_table", table="typed", sql=TYPED)
        agent.call("save_table", table="whole", sql=WHOLE)
        rare = f"SELECT count({TAIL}) FROM wide"
        rare_in_json = f"SELECT count(properties->>'/{TAIL}') FROM whole"
        figures = _side_by_side(
            agent,
            {
                "group-by on the view": GROUP.format("wide"),
                "group-by by hand": GROUP.format("typed"),
                "rare property on the view": rare,
                "rare property in whole JSON": rare_in_json,
            },
        )
    view, hand = figures["group-by on the view"]["p50_ms"], figures["group-by by hand"]["p50_ms"]
    tail, whole = (figures[name]["p50_ms"] for name in figures if name.startswith("rare"))
    return {
        **figures,
        "group-by: allowed ms (1.2 x + 10)": round(1.2 * hand + 10, 1),
        "group-by: ms": view,
        "rare property: times faster": round(whole / tail, 2),
    }


def _side_by_side(agent: Agent, queries: Mapping[str, str]) -> dict[str, dict[str, float]]:
    samples: dict[str, list[float]] = {name: [] for name in queries}
    for _ in range(ROUNDS):
        for name, sql in queries.items():
            samples[name].append(timed(lambda sql=sql: agent.call("query_sql", sql=sql)))  # type: ignore[misc]
    return {name: milliseconds(found) for name, found in samples.items()}


def _lines() -> Iterator[str]:
    pick = random.Random(1)
    for number in range(ROWS):
        properties: dict[str, object] = {
            "time": FIRST_SECOND + number % 864_000,
            "distinct_id": f"u-{number % 9000}",
            "$insert_id": f"{number:016x}",
            "plan": pick.choice(["free", "starter", "team"]),
            "amount": pick.randrange(10_000) / 100,
        }
        properties |= {f"common_{n}": f"value {pick.randrange(50)}" for n in range(14)}
        for _ in range(FEATURES // 100):
            properties[f"feature_{pick.randrange(FEATURES)}"] = pick.randrange(1000)
        yield json.dumps({"event": f"event {number % 12}", "properties": properties}) + "\n"
