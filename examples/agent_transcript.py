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


class Case:
    """What the agent knows so far."""

    def __init__(self, analyst: Analyst, today: date) -> None:
        self._ask = analyst.ask
        self._call = analyst.call
        self._today = today
        self._split = str(today - timedelta(WEEK))

    def look(self) -> None:
        """Is there budget, and how are things spelled?"""
        self._call("inspect_workspace")
        self._event: str = self._call("inspect_events", search="purchase")["rows"][0][0]
        carried = self._call("inspect_properties", event=self._event)["rows"]
        self._properties: list[str] = [row[0] for row in carried]
        self._place = quoted(next(name for name in self._properties if "country" in name))

    def fetch(self) -> None:
        """Two whole weeks, so that equal weekdays are compared."""
        days = {
            "from_date": self._today - timedelta(2 * WEEK),
            "to_date": self._today - timedelta(1),
        }
        fetched = self._call("fetch_events", **{name: str(day) for name, day in days.items()})
        while fetched["state"] == "running":
            fetched = self._call("wait_job", job=fetched["job"])

    def find_where(self) -> str:
        """The country that fell most, in purchases and not in percent."""
        ((self._country, before, after),) = self._ask(
            f"""SELECT {self._place}, {COMPARED} FROM events WHERE event = $event
            GROUP BY 1 ORDER BY is_now - was LIMIT 1""",
            event=self._event,
            split=self._split,
        )
        return (
            f"{self._event} fell in {self._country} from {before} to {after} a week "
            f"(the week from {self._split})."
        )

    def find_instead(self) -> None:
        """What rose there meanwhile: were there fewer visitors, or failing ones?"""
        ((self._risen, _, _),) = self._ask(
            f"""SELECT event, {COMPARED} FROM events WHERE {self._place} = $country
            GROUP BY event ORDER BY is_now - was DESC LIMIT 1""",
            country=self._country,
            split=self._split,
        )

    def find_cause(self) -> str:
        """The value that failures have and successes lost; all candidates in one question."""
        told = ("version", "method", "$os", "$browser", "plan", "experiment")
        each = " UNION ALL ".join(
            f"""SELECT {literal(name)} AS property, CAST({quoted(name)} AS VARCHAR) AS value,
            count(*) FILTER (event = $risen) AS failed,
            count(*) FILTER (event = $event) AS succeeded FROM mine GROUP BY ALL"""
            for name in self._properties
            if any(word in name for word in told)
        )
        first, second = self._ask(
            f"""WITH mine AS (SELECT * FROM events WHERE {self._place} = $country
            AND event IN ($event, $risen) AND day >= $split), each AS ({each})
            SELECT property, value, failed, failed / sum(failed) OVER (PARTITION BY property)
            FROM each WHERE value IS NOT NULL
            ORDER BY failed - succeeded DESC, property DESC LIMIT 2""",
            event=self._event,
            risen=self._risen,
            country=self._country,
            split=self._split,
        )
        self._cause, self._value, failed, share = first
        return (
            f"Instead came {self._risen!r}: {failed} of them, {share:.0%} of all there, with "
            f"{self._cause}={self._value!r}.\nIt goes together with {second[0]}={second[1]!r}."
        )

    def test_cause(self) -> str:
        """Since when, with which error, and does it hold elsewhere?"""
        ((error, times, since, elsewhere),) = self._ask(
            f"""SELECT error, count(*) FILTER ({self._place} = $country), min(day),
            count(*) FILTER ({self._place} <> $country) FROM events
            WHERE event = $risen AND {quoted(self._cause)} = $value
            GROUP BY error ORDER BY 2 DESC LIMIT 1""",
            risen=self._risen,
            country=self._country,
            value=self._value,
        )
        return (
            f"The error is {error!r}: {times} times there, first on {since}; {elsewhere} times "
            "anywhere else."
        )

    def keep(self) -> str:
        """What the human will want to see."""
        events = f"{literal(self._event)}, {literal(self._risen)}"
        kept = self._call(
            "save_table",
            table="purchase_drop",
            sql=f"SELECT day, {self._place} AS country, event, count(*) AS n FROM events "
            f"WHERE event IN ({events}) GROUP BY ALL",
        )
        return f"The days are in a table: mp query sql 'FROM {kept['table']}'"


COMPARED = "count(*) FILTER (day < $split) AS was, count(*) FILTER (day >= $split) AS is_now"


def investigate(analyst: Analyst, today: date) -> list[str]:
    """Look, fetch, ask; the findings."""
    case = Case(analyst, today)
    case.look()
    case.fetch()
    where = case.find_where()
    case.find_instead()
    return [where, case.find_cause(), case.test_cause(), case.keep()]


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
            findings = investigate(analyst, date.fromisoformat(mixpanel.story()["today"]))
        finally:
            agent.close()
            human(environ, "server", "stop")
    say("\n" + "\n".join(findings) + "\n")
    say(f"{analyst.calls} tool calls, {analyst.tokens:,} tokens of results.")


if __name__ == "__main__":
    main()
