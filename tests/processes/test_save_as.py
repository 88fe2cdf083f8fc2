"""save_as: answers of Mixpanel as tables that an agent and a person share."""

from mp_mcp.settings import Home
from tests.processes.agents import BIN, Agent, mp
from tests.processes.foreign import database, foreign_program

DAYS = {"from_date": "2025-03-01", "to_date": "2025-03-10"}
RANGE = ("--from", DAYS["from_date"], "--to", DAYS["to_date"])
PURCHASES = {"event": "Purchase", "on": "mp_country_code", **DAYS}
COMMAND = ("query", "segmentation", "-e", "Purchase", *RANGE)


def test_an_answer_becomes_a_table_for_agents_and_people(environ: dict[str, str]) -> None:
    with Agent(environ) as agent:
        whole = agent.call("query_segmentation", **PURCHASES)
        answer = agent.call("query_segmentation", **PURCHASES, save_as="by_country")
        assert (answer["saved_as"], answer["saved_rows"]) == ("by_country", whole["row_count"])
        assert (answer["rows"], answer["truncated"]) == (whole["rows"][:5], True)
        assert answer["columns"] == whole["columns"]
        assert "by_country" in answer["hint"]
        assert mp(environ, "query", "sql", "FROM by_country ORDER BY date").rows == whole["rows"]
        (noted,) = agent.call("inspect_history", limit=1)["rows"]
        assert whole["row_count"] in noted, "the history counts all rows, not those of the sample"
        made = mp(environ, *COMMAND, "--save-as", "total").json
        assert made["saved_as"] == "total"
        sql = 'SELECT sum("Purchase") FROM total'
        assert agent.call("query_sql", sql=sql)["rows"] == [
            [sum(sum(row[1:]) for row in whole["rows"])]
        ]
        # The same again, and from the other side, replaces what was kept.
        assert mp(environ, *COMMAND, "--save-as", "by_country").json["saved_as"] == "by_country"
        assert agent.call("query_sql", sql="FROM by_country")["columns"] == ["date", "Purchase"]
        agent.call("fetch_events", from_date="2025-03-01", to_date="2025-03-01")
        counted = agent.call("query_sql", sql="SELECT count(*) FROM events")["rows"]
        answer = agent.call("query_segmentation", **PURCHASES, save_as="events")
        assert answer["row_count"] == whole["row_count"]
        assert answer["not_saved"]["code"] == "table_exists"
        assert "events_2" in answer["not_saved"]["hint"]
        assert agent.call("query_sql", sql="SELECT count(*) FROM events")["rows"] == counted
        refused = agent.error("query_segmentation", **PURCHASES, save_as="no name")
        assert refused["code"] == "usage"
        assert "save_as names a table: letters, digits and _" in refused["message"]
        assert "pattern" not in refused["message"]
        answer = agent.call("query_segmentation", **PURCHASES, save_as="select")
        assert answer["row_count"] == whole["row_count"]
        assert "it is a word of SQL" in answer["not_saved"]["message"]
        assert agent.error("save_table", table="order", sql="SELECT 1")["code"] == "usage"


def test_the_answer_still_comes_when_a_foreign_program_has_the_file(
    environ: dict[str, str], home: Home
) -> None:
    brief = environ | {"MP_LOCK_WAIT": "0.1"}
    with foreign_program(database(home, environ)) as foreign:
        assert foreign.opens() == "opened"
        with Agent(brief) as agent:
            answer = agent.call("query_segmentation", **PURCHASES, save_as="kept")
            assert answer["row_count"] == 10
            assert answer["not_saved"]["code"] == "database_locked"
            assert str(foreign.pid) in answer["not_saved"]["message"]
            assert "saved_as" not in answer
        done = mp(brief, *COMMAND, "--save-as", "kept", "--format", "csv")
        assert done.code == 6
        assert len(done.stdout.splitlines()) == 11, "the answer itself is on stdout"
        assert str(foreign.pid) in done.stderr
        foreign.closes()
        assert mp(brief, *COMMAND, "--save-as", "kept").json["saved_rows"] == 10


def test_a_read_only_agent_saves_nothing(environ: dict[str, str]) -> None:
    with Agent(environ, command=[str(BIN / "mp-mcp"), "--read-only"]) as agent:
        listed = {tool["name"]: tool for tool in agent.request("tools/list")["tools"]}
        assert "save_as" not in listed["query_segmentation"]["inputSchema"]["properties"]
        assert {"save_table", "fetch_events", "drop_table"}.isdisjoint(listed)
        refused = agent.error("query_segmentation", **PURCHASES, save_as="kept")
        assert "save_as" in refused["message"]
        assert "read-only" in agent.error("save_table", table="a", sql="SELECT 1")["message"]
        assert agent.call("inspect_tables")["rows"] == []
