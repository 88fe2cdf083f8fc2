"""Bad input: one clear error, a hint, the right exit code, and nothing is lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from mp_mcp.demo.running import Running
from mp_mcp.settings import Home
from tests.processes.agents import Agent, bare_environ, mp
from tests.processes.conftest import state_folder

DAYS = ("--from", "2025-03-01", "--to", "2025-03-02")
LONG = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range + b.range = 7"
COUNT = "SELECT count(*) FROM events"


class Fetched(NamedTuple):
    """Somebody's environment, and the events that were fetched: no bad input may change them."""

    environ: dict[str, str]
    rows: int


@pytest.fixture(scope="module")
def fetched(mixpanel: Running) -> Iterator[Fetched]:
    """One server for all the bad input that only asks."""
    with state_folder() as home:
        environ = bare_environ() | {"MP_HOME": str(home.path)} | mixpanel.environ()
        yield Fetched(environ, mp(environ, "fetch", "events", *DAYS).json["rows"])


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["inspect", "evnts"], 3, "events"),
        (["fetch", "events", "--form", "2025-01-01"], 3, "--form"),
        (["fetch", "events", "--from", "2025-13-01", "--to", "2025-13-02"], 3, "YYYY-MM-DD"),
        (["fetch", "events", "--from", "2025-03-02", "--to", "2025-03-01"], 3, "before"),
        (["fetch", "events", "../../etc", *DAYS], 3, "table"),
        (["inspect", "bookmarks", "--limit", "many"], 3, "limit"),
        (["inspect", "bookmarks", "--limit", "0"], 3, "limit"),
        (["inspect", "bookmarks", "--type", "pie"], 3, "type"),
        (["query", "segmentation", "--from", "2025-03-01", "--to", "2025-03-02"], 3, "event"),
        (["query", "sql", "SELEC 1"], 3, "SELEC"),
        (["query", "sql", "SELECT nothing FROM events"], 3, "nothing"),
        (["query", "sql", "DELETE FROM events"], 3, "SELECT"),
        (["query", "sql", "SELECT 1; SELECT 2"], 3, "one"),
        (["query", "sql", "SELECT * FROM read_text('/etc/passwd')"], 3, "read_text"),
        (["query", "sql", "SELECT * FROM evnts"], 4, "events"),
        (["query", "sql", LONG, "--timeout", "0.2"], 3, "0.2"),
        (["load", "no-such-file.ndjson"], 3, "no-such-file"),
        (["--project", "../1001", "query", "sql", "SELECT 1"], 3, "project"),
        (["--account", "nobody", "inspect", "events"], 2, "nobody"),
    ],
)  # fmt: skip
def test_a_wrong_command_says_what_is_wrong_and_what_to_do(
    fetched: Fetched, words: list[str], code: int, says: str
) -> None:
    found = mp(fetched.environ, *words)
    assert found.code == code, found
    assert found.stdout == ""
    error, hint = found.stderr.strip().splitlines()[-2:]
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert says in found.stderr
    assert mp(fetched.environ, "query", "sql", COUNT).rows == [[fetched.rows]]


@pytest.mark.parametrize(
    ("tool", "arguments", "code"),
    [
        ("inspect_evnts", {}, "usage"),
        ("inspect_events", {"limitt": 3}, "usage"),
        ("inspect_events", {"limit": "three"}, "usage"),
        ("inspect_bookmarks", {"type": "pie"}, "usage"),
        ("fetch_events", {"from_date": "yesterday", "to_date": "2025-03-01"}, "usage"),
        ("fetch_events", {}, "usage"),
        ("query_sql", {"sql": ""}, "usage"),
        ("query_sql", {"sql": "SELECT 1", "offset": 2**70}, "usage"),
        ("query_sql", {"sql": "SELEC 1"}, "query"),
        ("query_sql", {"sql": "DROP TABLE events"}, "not_read_only"),
        ("query_sql", {"sql": "SELECT 1; DROP TABLE events"}, "query"),
        ("query_sql", {"sql": "SELECT * FROM evnts"}, "table_missing"),
    ],
)
def test_an_agent_gets_the_error_as_a_result_that_it_can_act_on(
    fetched: Fetched, tool: str, arguments: dict[str, object], code: str
) -> None:
    with Agent(fetched.environ) as agent:
        error = agent.error(tool, **arguments)
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]
    assert error["retryable"] is False


def test_without_credentials_storage_works_and_the_api_says_how_to_log_in(
    offline: dict[str, str],
) -> None:
    assert mp(offline, "query", "sql", "SELECT 1").rows == [[1]]
    refused = mp(offline, "inspect", "events")
    assert refused.code == 2
    assert "mp auth login" in refused.stderr


def test_without_a_project_the_error_says_how_to_choose_one(offline: dict[str, str]) -> None:
    del offline["MP_PROJECT_ID"]
    refused = mp(offline, "query", "sql", "SELECT 1")
    assert refused.code == 3
    assert "--project" in refused.stderr


def test_wrong_credentials_are_an_authentication_error_without_the_secret(
    environ: dict[str, str], home: Home
) -> None:
    environ["MP_SECRET"] = "not-the-right-secret"
    for words in (["inspect", "events"], ["fetch", "events", *DAYS]):
        refused = mp(environ, *words)
        assert refused.code == 2, refused
        assert "not-the-right-secret" not in refused.stderr
    assert "not-the-right-secret" not in home.server_log.read_text(encoding="utf-8")


def test_mixpanel_out_of_reach_is_its_own_exit_code_and_sql_goes_on(
    environ: dict[str, str],
) -> None:
    environ["MP_API_BASE_URL"] = "http://127.0.0.1:9"
    refused = mp(environ, "inspect", "events")
    assert refused.code == 7
    assert "hint: " in refused.stderr
    assert mp(environ, "query", "sql", "SELECT 1").rows == [[1]]


@pytest.mark.parametrize(
    "fault", ["terminated_early", "error_json_line", "cut", "broken_gzip", "split_line"]
)
def test_a_broken_export_is_asked_for_again_and_arrives_whole(
    fetched: Fetched, mixpanel: Running, fault: str
) -> None:
    mixpanel.fault("/api/2.0/export", fault, times=1)
    truth = mixpanel.truth(from_date="2025-03-01", to_date="2025-03-02")
    found = mp(fetched.environ, "fetch", "events", *DAYS, "--refresh").json
    mixpanel.clear_faults()
    assert found["rows"] == truth["events"]
    assert found["malformed"] == 0


@pytest.mark.parametrize("fault", ["terminated_early", "cut", "broken_gzip"])
def test_an_export_that_stays_broken_is_reported_and_replaces_nothing(
    fetched: Fetched, mixpanel: Running, fault: str
) -> None:
    mixpanel.fault("/api/2.0/export", fault, times=None)
    refused = mp(fetched.environ, "fetch", "events", *DAYS, "--refresh")
    mixpanel.clear_faults()
    assert refused.code == 7, refused
    assert "hint: " in refused.stderr
    assert mp(fetched.environ, "query", "sql", COUNT).rows == [[fetched.rows]]


def test_a_malformed_line_is_kept_aside_and_the_rest_is_loaded(
    environ: dict[str, str], mixpanel: Running
) -> None:
    mixpanel.fault("/api/2.0/export", "malformed_line", times=1)
    found = mp(environ, "fetch", "events", *DAYS).json
    mixpanel.clear_faults()
    truth = mixpanel.truth(from_date="2025-03-01", to_date="2025-03-02")
    assert found["rows"] == truth["events"]
    assert found["malformed"] == 1
    (rejects,) = found["reject_files"]
    assert "Login" in Path(rejects).read_text(encoding="utf-8")
