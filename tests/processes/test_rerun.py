"""`mp history rerun`: what had to be confirmed once has to be confirmed again."""

from typing import Any

from tests.processes.agents import Agent, mp


def dropped_once(environ: dict[str, str]) -> str:
    """The id of a confirmed drop of the table `mine`, which is there again."""
    mp(environ, "save", "table", "mine", "SELECT 1 AS n")
    assert mp(environ, "drop", "table", "mine", "-y").code == 0
    mp(environ, "save", "table", "mine", "SELECT 2 AS n")
    found = mp(environ, "history", "--tool", "drop_table", "--format", "json").json
    calls: list[dict[str, Any]] = [
        dict(zip(found["columns"], row, strict=True)) for row in found["rows"]
    ]
    assert calls[-1]["arguments"]["confirm"] is True
    return str(calls[-1]["id"])


def test_a_drop_is_not_repeated_on_a_pipe_without_a_yes(offline: dict[str, str]) -> None:
    number = dropped_once(offline)
    refused = mp(offline, "history", "rerun", number)
    assert refused.code == mp(offline, "drop", "table", "mine").code == 3
    assert "Nothing was dropped" in refused.stderr
    assert mp(offline, "query", "sql", "FROM mine").rows == [[2]]
    assert mp(offline, "history", "rerun", number, "-y").code == 0
    assert mp(offline, "query", "sql", "FROM mine").code == 4


def test_a_yes_is_no_argument_of_a_call_that_asks_nothing(offline: dict[str, str]) -> None:
    with Agent(offline) as agent:
        agent.call("query_sql", sql="SELECT 7 AS n")
    assert mp(offline, "history", "rerun", "1", "--confirm").rows == [[7]]
