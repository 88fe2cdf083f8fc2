"""An agent answers "why did purchases drop in one country last week?", call by call.

Run it with `.venv/bin/python examples/agent_transcript.py`: it needs no account. It starts a
simulated Mixpanel and a throw-away state folder, speaks MCP to one `mp-mcp` as any host does, and
prints what it asks and what it gets. No step knows the answer: each chooses by the answers before.
It never touches your own data.
"""

# Names are quoted, values are parameters of the query.
# ruff: noqa: S608

import json
import sys
from datetime import date, timedelta
from typing import Any

from mp_mcp.demo.running import simulator
from mp_mcp.demo.tour import environ_of, human, throw_away_folder
from mp_mcp.demo.tour_agent import TourAgent

CHARACTERS_PER_TOKEN = 4
WEEK = 7
SHOWN = 160

Row = list[Any]


class Analyst:
    """The agent: it calls tools, and keeps count of what its context would hold."""

    def __init__(self, agent: TourAgent) -> None:
        self._agent = agent
        self.calls = 0
        self.characters = 0

    @property
    def tokens(self) -> int:
        """Of all results so far."""
        return self.characters // CHARACTERS_PER_TOKEN

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool, and print both sides."""
        answer = self._agent.call(tool, **arguments)
        text = json.dumps(answer, ensure_ascii=False)
        self.calls += 1
        self.characters += len(text)
        asked = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
        say(f"\n{self.calls:2}. {tool}({shortened(asked)})")
        say(f"    {shortened(json.dumps(answer.get('rows', answer), ensure_ascii=False))}")
        return answer

    def ask(self, sql: str, **params: Any) -> list[Row]:
        """Rows of a query; values that come from the data are parameters, never part of the SQL."""
        rows: list[Row] = self.call("query_sql", sql=" ".join(sql.split()), params=params)["rows"]
        return rows


def investigate(analyst: Analyst, today: date) -> str:
    """Find the country, the event that took the place, the cause and its first day."""
    last, first = today - timedelta(1), today - timedelta(2 * WEEK)
    weeks = {"split": str(today - timedelta(WEEK))}

    # Look: is there budget, what is here already, how are things spelled?
    analyst.call("inspect_workspace")
    event = analyst.call("inspect_events", search="purchase")["rows"][0][0]
    carried = [row[0] for row in analyst.call("inspect_properties", event=event)["rows"]]
    country_of = next(name for name in carried if "country" in name)

    # Fetch: two whole weeks, so that equal weekdays are compared.
    fetched = analyst.call("fetch_events", from_date=str(first), to_date=str(last))
    while fetched["state"] == "running":
        fetched = analyst.call("wait_job", job=fetched["job"])

    # Ask: which country fell most, in purchases and not in percent?
    ((country, before, after),) = analyst.ask(
        f"""SELECT {quoted(country_of)}, {COMPARED} FROM events WHERE event = $event
        GROUP BY 1 ORDER BY is_now - was LIMIT 1""",
        event=event,
        **weeks,
    )

    # What rose there while purchases fell? Fewer visitors, or failing ones?
    ((risen, _, _),) = analyst.ask(
        f"""SELECT event, {COMPARED} FROM events WHERE {quoted(country_of)} = $country
        GROUP BY event ORDER BY is_now - was DESC LIMIT 1""",
        country=country,
        **weeks,
    )

    # Which value of which property explains it? All candidates in one question.
    causes = explain(analyst, (event, risen), (country_of, country), carried, weeks)
    (cause, value, failed, share) = causes[0]
    ((error, times, since),) = analyst.ask(
        f"""SELECT error, count(*), min(day) FROM events WHERE event = $risen
        AND {quoted(country_of)} = $country AND {quoted(cause)} = $value
        GROUP BY error ORDER BY 2 DESC LIMIT 1""",
        risen=risen,
        country=country,
        value=value,
    )

    # Does it hold elsewhere? And keep what the human will want to see.
    elsewhere = analyst.ask(
        f"""SELECT count(*) FROM events WHERE event = $risen AND {quoted(cause)} = $value
        AND {quoted(country_of)} <> $country AND day >= $split""",
        risen=risen,
        country=country,
        value=value,
        **weeks,
    )[0][0]
    kept = analyst.call(
        "save_table",
        table="purchase_drop",
        sql=f"SELECT day, {quoted(country_of)} AS country, event, count(*) AS n FROM events "
        f"WHERE event IN ({literal(event)}, {literal(risen)}) GROUP BY ALL",
    )["table"]
    others = ", ".join(f"{name}={found!r}" for name, found, *_ in causes[1:])
    return f"""
{event} fell in {country} from {before} to {after} a week (the week from {weeks["split"]}).
Instead came {risen!r}: {failed} of them, {share:.0%} of all there, with {cause}={value!r}.
The error is {error!r} ({times} times), first on {since}. It goes together with: {others}.
Elsewhere the same value failed {elsewhere} times, so it is {cause}={value!r} in {country}.
The days are in the table {kept}: mp query sql 'FROM {kept}'
"""


COMPARED = "count(*) FILTER (day < $split) AS was, count(*) FILTER (day >= $split) AS is_now"


def explain(
    analyst: Analyst,
    events: tuple[str, str],
    place: tuple[str, str],
    properties: list[str],
    weeks: dict[str, str],
) -> list[Row]:
    """Property, value, failures and their share: values that failures have and successes lost."""
    told = ("version", "method", "$os", "$browser", "plan", "experiment")
    candidates = [name for name in properties if any(word in name for word in told)]
    each = " UNION ALL ".join(
        f"""SELECT {literal(name)} AS property, CAST({quoted(name)} AS VARCHAR) AS value,
        count(*) FILTER (event = $risen) AS failed,
        count(*) FILTER (event = $event) AS succeeded FROM mine GROUP BY ALL"""
        for name in candidates
    )
    return analyst.ask(
        f"""WITH mine AS (SELECT * FROM events WHERE {quoted(place[0])} = $country
        AND event IN ($event, $risen) AND day >= $split), each AS ({each})
        SELECT property, value, failed, failed / sum(failed) OVER (PARTITION BY property)
        FROM each WHERE value IS NOT NULL
        ORDER BY failed - succeeded DESC LIMIT 2""",
        event=events[0],
        risen=events[1],
        country=place[1],
        **weeks,
    )


def quoted(name: str) -> str:
    """A name as SQL: it may have any character."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as SQL, where no parameter can be."""
    return "'" + text.replace("'", "''") + "'"


def shortened(text: str) -> str:
    """The start of a long text."""
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"


def say(line: str) -> None:
    """One line of the transcript."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run the analysis on the demo data."""
    say("Why did purchases drop in one country last week?")
    with throw_away_folder() as folder, simulator(days=28, events_per_day=600) as mixpanel:
        environ = environ_of(folder, mixpanel)
        agent = TourAgent(environ)
        try:
            analyst = Analyst(agent)
            conclusion = investigate(analyst, date.fromisoformat(mixpanel.story()["today"]))
        finally:
            agent.close()
            human(environ, "server", "stop")
    say(conclusion)
    say(f"{analyst.calls} tool calls, {analyst.tokens:,} tokens of results.")


if __name__ == "__main__":
    main()
