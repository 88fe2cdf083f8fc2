"""mp doctor on real machines: one that is fine, a bare one, and ones with something to mend."""

import json
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.settings import Home
from tests.processes.agents import BIN, Agent, Finished, bare_environ, mp
from tests.processes.conftest import configure_server
from tests.processes.foreign import database, foreign_program

SECRET = "s3cret-of-the-config"
LONG = "SELECT count(*) FROM range(100000000) a, range(100000) b WHERE a.range + b.range = 7"


@pytest.fixture
def me(tmp_path: Path) -> Path:
    """A home folder without any AI client."""
    return tmp_path


def examined(environ: dict[str, str], me: Path) -> tuple[Finished, dict[str, dict[str, Any]]]:
    """What the doctor says, and its findings by check; the last one wins."""
    environ = environ | {"HOME": str(me), "XDG_CONFIG_HOME": str(me / ".config")}
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    ran = mp(environ, "doctor", "--format", "json")
    found = json.loads(ran.stdout)
    rows = (dict(zip(found["columns"], row, strict=True)) for row in found["rows"])
    assert found["ok"] is (ran.code == 0)
    assert environ.get("MP_SECRET", SECRET) not in ran.stdout + ran.stderr
    assert SECRET not in ran.stdout + ran.stderr
    return ran, {row["check"]: row for row in rows}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_all_is_well_with_an_account_a_server_and_a_client(
    environ: dict[str, str], home: Home, me: Path
) -> None:
    entry = {"command": str(BIN / "mp-mcp"), "env": {"MP_SECRET": SECRET}}
    write(me / ".cursor/mcp.json", json.dumps({"mcpServers": {"mixpanel": entry}}))
    home.create()
    with Agent(environ) as agent:
        agent.call("query_sql", sql="SELECT 1")
        ran, found = examined(environ, me)
        with foreign_program(database(home, environ)) as notebook:
            assert notebook.tries() == "locked", "the doctor has only looked at our server's lock"
    assert ran.code == 0, ran
    assert {row["state"] for row in found.values()} == {"ok"}
    assert "1 projects" not in found["login"]["message"]
    expected = {"versions", "duckdb", "mcp", "state folder", "disk", "account", "project"}
    assert expected | {"mixpanel", "login", "server", "socket", "file", "cursor"} <= set(found)
    assert "open in our server" in found["file"]["message"]
    assert "agents connected: 1" in found["server"]["message"]


def test_a_bare_machine_is_told_to_log_in_and_nothing_is_left_there(home: Home, me: Path) -> None:
    home.path.rmdir()
    environ = bare_environ() | {"MP_HOME": str(home.path), "MP_API_BASE_URL": "http://127.0.0.1:9"}
    ran, found = examined(environ, me)
    assert ran.code == 1
    assert "mp auth login" in found["account"]["remedy"]
    assert found["mixpanel"]["state"] == "fail"
    assert found["server"]["state"] == "ok"
    assert not home.path.exists()
    welcome = mp(environ, stdin="").stdout
    assert len(welcome.splitlines()) == 5
    assert "mp auth login" in welcome
    assert "mp demo" in welcome
    home.path.mkdir()


def test_everything_that_is_wrong_has_a_line_with_a_remedy(
    environ: dict[str, str], home: Home, me: Path
) -> None:
    home.create()
    home.path.chmod(0o755)
    write(home.config, "")
    home.config.chmod(0o644)
    settings = me / ".config"
    gone = {"command": "/nowhere/mp-mcp", "args": ["--token", SECRET]}
    code = {"projects": {"/x": {"mcpServers": {"mixpanel": gone}}}}
    write(me / ".claude.json", json.dumps(code))
    write(settings / "Claude/claude_desktop_config.json", f"{{ {SECRET}")
    jsonc = f'{{// comment\n"servers": {{"mp": {json.dumps(gone)},}}, /* "x" */}}'
    write(settings / "Code/User/mcp.json", jsonc)
    write(me / ".cursor/mcp.json", '{"mcpServers": {"other": {"command": "x"}}}')
    with foreign_program(database(home, environ)) as notebook:
        notebook.opens()
        ran, found = examined(environ, me)
        assert f"pid {notebook.pid}" in found["file"]["message"]
        assert "snapshot" not in found["file"]["remedy"], "which would meet the same lock"
    assert ran.code == 1
    failing = {name for name, row in found.items() if row["state"] == "fail"}
    assert failing == {"state folder", "settings", "account", "file"} | {
        *("claude-code", "claude-desktop", "vscode")
    }
    assert all(found[name]["remedy"] for name in failing)
    assert found["state folder"]["remedy"] == f"chmod 700 {home.path}"
    assert "mcpServers" in found["cursor"]["remedy"]


def test_our_own_programs_are_no_foreign_holders_of_the_file(
    environ: dict[str, str], home: Home, me: Path
) -> None:
    home.create()
    off = {"MP_SERVER": "off"}
    for theirs, mine, says in ({}, off, "Our server runs: use it"), (off, {}, "its own server"):
        with Agent(environ | theirs) as agent:
            agent.call("save_table", table="t", sql="FROM range(100000)", replace=True)
            _, found = examined(environ | mine, me)
        assert found["file"]["state"] == "fail"
        assert "not ours" not in found["file"]["message"]
        assert says in found["file"]["remedy"]
        mp(environ, "server", "stop")


def test_rows_that_are_still_in_the_log_of_the_file_count_in_its_size(
    environ: dict[str, str], home: Home, me: Path
) -> None:
    home.create()
    with Agent(environ) as agent:
        # While a call runs, the server does not tidy up: the log stays as it is.
        agent.start_call("query_sql", sql=LONG)
        agent.call("save_table", table="t", sql="SELECT hash(range) AS n FROM range(100000)")
        file = database(home, environ)
        size = file.stat().st_size + file.with_name(f"{file.name}.wal").stat().st_size
        assert size > 200_000
        (shown,) = mp(environ, "status", "--format", "json").json["here"]["files"]
        assert shown["size_bytes"] == size
        assert f"{size / 1e6:,.1f} MB" in examined(environ, me)[1]["file"]["message"]
        (served,) = mp(environ, "server", "status").json["databases"]
        assert served["size_bytes"] == size


def test_a_misspelt_setting_of_the_server_is_told_with_the_right_one(
    environ: dict[str, str], home: Home, me: Path
) -> None:
    configure_server(home, max_client=5)
    with Agent(environ) as agent:
        agent.call("inspect_workspace")
        ran, found = examined(environ, me)
    assert ran.code == 0
    assert "[server] knows no max_client" in found["settings"]["message"]
    assert found["settings"]["remedy"] == "Did you mean max_clients?"
    assert "Unknown under [server] in mp.toml: max_client" in home.server_log.read_text("utf-8")


def test_a_server_too_small_to_live_is_an_error_of_the_settings(
    offline: dict[str, str], home: Home
) -> None:
    configure_server(home, max_process_gb=0.01)
    refused = mp(offline, "query", "sql", "SELECT 1")
    assert refused.code == 3
    assert "max_process_gb in mp.toml must be at least 2, not 0.01" in refused.stderr


@pytest.mark.parametrize(
    ("args", "remedy"),
    [
        (["--toolsets", "api,storage", "--read-only"], None),
        (["--toolsets", "storge"], "Did you mean storage?"),
        (["--token", SECRET], "`mp-mcp --help` says which there are"),
        (["--version"], "`mp-mcp --help` says which there are"),
        (["--account"], "`mp-mcp --help` says which there are"),
    ],
)
def test_arguments_that_mp_mcp_refuses_are_a_finding(
    environ: dict[str, str], me: Path, args: list[str], remedy: str | None
) -> None:
    entry = {"command": str(BIN / "mp-mcp"), "args": args}
    write(me / ".cursor/mcp.json", json.dumps({"mcpServers": {"mixpanel": entry}}))
    found = examined(environ, me)[1]["cursor"]
    assert (found["state"], found.get("remedy")) == ("fail" if remedy else "ok", remedy)
