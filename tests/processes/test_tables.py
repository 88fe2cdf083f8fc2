"""Tables that are looked at, saved and dropped by a person and an agent at the same time."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from mp_mcp.demo.running import Running
from tests.processes.agents import Agent, mp

DAYS = {"from_date": "2025-03-01", "to_date": "2025-03-02"}
COUNT = "SELECT count(*) FROM events"


@pytest.fixture
def events(environ: dict[str, str], mixpanel: Running) -> int:
    """Two days of events in the table `events`; how many."""
    mp(environ, "fetch", "events", "--from", DAYS["from_date"], "--to", DAYS["to_date"])
    return int(mixpanel.truth(**DAYS)["events"])


def names(environ: dict[str, str]) -> list[object]:
    return [row[0] for row in mp(environ, "inspect", "tables").rows]


def test_looks_at_a_table_agree_with_sql(environ: dict[str, str], events: int) -> None:
    with Agent(environ) as agent:
        outline = agent.call("inspect_schema", table="events")
        shares = {row[0]: (row[2], row[4]) for row in outline["rows"]}
        assert {"event", "time", "distinct_id", "insert_id", "day", "properties"} <= set(shares)
        for share, sql in list(shares.values())[:12]:
            counted = agent.call("query_sql", sql=f"SELECT count({sql}) / {events} FROM events")
            assert counted["rows"][0][0] == pytest.approx(share, abs=0.0001)
        described = agent.call("inspect_describe", table="events")
        assert described["row_count"] > 5
        sample = agent.call("inspect_sample", table="events", rows=3)
        assert [str(row[-1]["distinct_id"]) for row in sample["rows"]] == [
            row[2] for row in sample["rows"]
        ]
        column = agent.call("inspect_column", table="events", column="event", top=50)
    sql = "SELECT event, count(*) FROM events GROUP BY 1 ORDER BY 2 DESC, 1"
    expected = mp(environ, "query", "sql", sql).rows
    assert [[top["value"], top["count"]] for top in column["top"]] == expected
    assert (column["rows"], column["nulls"], column["distinct"]) == (events, 0, len(expected))
    shown = mp(environ, "inspect", "column", "-t", "events", "-c", "event", "--top", "50")
    assert shown.json == column


def test_a_saved_table_is_there_for_everybody_at_once(environ: dict[str, str], events: int) -> None:
    with Agent(environ) as agent:
        sql = "SELECT event, count(*) AS n FROM events GROUP BY 1"
        saved = agent.call("save_table", table="by_event", sql=sql)
        assert saved["rows"] > 0
        assert mp(environ, "query", "sql", "SELECT sum(n) FROM by_event").rows == [[events]]
        again = mp(environ, "save", "table", "by_event", "SELECT 1 AS n")
        assert (again.code, "--replace" in again.stderr) == (3, True)
        again = mp(environ, "save", "table", "by_event", "SELECT 1 AS n", "--replace")
        assert again.json["replaced"] is True
        assert agent.call("query_sql", sql="FROM by_event")["rows"] == [[1]]
        for replace in (False, True):
            error = agent.error("save_table", table="events", sql="SELECT 1", replace=replace)
            assert error["code"] == "table_exists"
        assert agent.error("fetch_events", table="by_event", **DAYS)["code"] == "table_exists"
    assert mp(environ, "query", "sql", COUNT).rows == [[events]]


def test_many_saves_and_drops_at_once_all_end_as_one_would(
    environ: dict[str, str], events: int
) -> None:
    with Agent(environ) as one, Agent(environ, "legacy") as other:

        def work(number: int) -> None:
            client, table = (one, other)[number % 2], f"kept_{number}"
            saved = client.call("save_table", table=table, sql=f"SELECT {number} AS a FROM events")
            assert saved["rows"] == events
            found = client.call("query_sql", sql=f"SELECT DISTINCT a FROM {table}")
            assert found["rows"] == [[number]]
            if number % 3:
                client.call("drop_table", table=[table], confirm=True)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(24)))
    assert set(names(environ)) == {"events", *(f"kept_{n}" for n in range(0, 24, 3))}
    assert mp(environ, "query", "sql", COUNT).rows == [[events]]


def test_dropping_needs_a_confirmation_and_takes_all_or_nothing(
    environ: dict[str, str], events: int
) -> None:
    with Agent(environ) as agent:
        agent.call("save_table", table="kept", sql="SELECT 1 AS a")
        assert "confirm" in agent.error("drop_table", table=["kept"])["hint"]
        error = agent.error("drop_table", table=["kept", "evnts"], confirm=True)
        assert (error["code"], "events" in error["hint"]) == ("table_missing", True)
    assert mp(environ, "drop", "table", "kept").code == 3
    assert set(names(environ)) == {"events", "kept"}
    dropped = mp(environ, "drop", "table", "events", "kept", "--confirm").json["dropped"]
    assert [table["name"] for table in dropped] == ["events", "kept"]
    assert names(environ) == []
    assert mp(environ, "query", "sql", COUNT).code == 4
    fetched = mp(environ, "fetch", "events", "--from", DAYS["from_date"], "--to", DAYS["to_date"])
    assert fetched.json["rows"] == events


def test_parameters_reach_the_query_from_both_doors(environ: dict[str, str], events: int) -> None:
    sql = "SELECT count(*) FROM events WHERE event = $event AND day >= $day"
    with Agent(environ) as agent:
        first = agent.call("inspect_column", table="events", column="event")["top"][0]
        params = {"event": first["value"], "day": DAYS["from_date"]}
        found = agent.call("query_sql", sql=sql, params=params)["rows"]
        assert found == [[first["count"]]]
        assert "$day" in agent.error("query_sql", sql=sql, params={"event": "x"})["message"]
    words = [word for key, value in params.items() for word in ("-P", f"{key}={value}")]
    assert mp(environ, "query", "sql", sql, *words, "--scalar").stdout == f"{found[0][0]}\n"
