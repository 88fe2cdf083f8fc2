"""`mp auth login`: the secret goes from stdin into one file of the owner's, and nowhere else."""

import json
import stat

import pytest

from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import Agent, Command, Finished, bare_environ, mp
from tests.processes.process_list import processes_with
from tests.processes.waiting import wait_until

WRONG = "not-the-right-secret"


@pytest.fixture
def nobody(home: Home, mixpanel: Running) -> dict[str, str]:
    """Environment of somebody without an account, whose Mixpanel is the simulated one."""
    return bare_environ() | {"MP_HOME": str(home.path), "MP_API_BASE_URL": mixpanel.base_url}


@pytest.fixture
def account(mixpanel: Running) -> dict[str, str]:
    return mixpanel.accounts[0]


def log_in(environ: dict[str, str], account: dict[str, str]) -> Finished:
    login = ["auth", "login", "work", "--username", account["username"]]
    return mp(environ, *login, stdin=account["secret"] + "\n")


def files_with(home: Home, secret: str) -> list[str]:
    return [
        str(path.relative_to(home.path))
        for path in home.path.rglob("*")
        if path.is_file() and secret.encode() in path.read_bytes()
    ]


def test_a_login_stores_the_account_for_its_owner_only(
    nobody: dict[str, str], home: Home, account: dict[str, str]
) -> None:
    found = log_in(nobody, account)
    assert found.code == 0, found
    assert "work" in found.stderr
    assert account["username"] in found.stderr
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600
    assert files_with(home, account["secret"]) == ["mp.toml"]


def test_status_and_list_show_the_account_without_its_secret(
    nobody: dict[str, str], home: Home, account: dict[str, str]
) -> None:
    before = mp(nobody, "auth", "status", "--format", "json").json
    assert before["configured"] is False
    assert "mp auth login" in before["hint"]
    log_in(nobody, account)
    status = mp(nobody, "auth", "status", "--format", "json").json
    assert status["configured"] is True
    assert status["account"] == "work"
    assert status["source"] == "account work"
    assert status["username"] == account["username"]
    assert status["project_id"] == account["project_id"]
    rows = mp(nobody, "auth", "list", "--format", "json").rows
    assert rows == [["work", account["username"], account["project_id"], "us", "file", True]]


def test_after_a_login_everybody_works_without_credentials_in_the_environment(
    nobody: dict[str, str], account: dict[str, str]
) -> None:
    refused = mp(nobody, "inspect", "events")
    assert refused.code in (2, 3), refused
    with Agent(nobody) as agent:
        assert log_in(nobody, account).code == 0
        assert mp(nobody, "inspect", "events").json["row_count"] > 3
        assert agent.call("inspect_events")["row_count"] > 3


def test_a_wrong_secret_is_exit_code_2_and_nothing_is_stored(
    nobody: dict[str, str], home: Home, account: dict[str, str]
) -> None:
    refused = log_in(nobody, account | {"secret": WRONG})
    assert refused.code == 2, refused
    assert "hint: " in refused.stderr
    assert "Nothing was stored" in refused.stderr
    assert not home.config.exists()
    assert files_with(home, WRONG) == []
    assert WRONG not in refused.stdout + refused.stderr


def test_a_wrong_secret_leaves_the_stored_account_as_it_is(
    nobody: dict[str, str], home: Home, account: dict[str, str]
) -> None:
    log_in(nobody, account)
    before = home.config.read_bytes()
    assert log_in(nobody, account | {"secret": WRONG}).code == 2
    assert home.config.read_bytes() == before


@pytest.mark.parametrize("stdin", ["", "\n"])
def test_no_secret_at_all_is_exit_code_2_with_a_hint(
    nobody: dict[str, str], home: Home, account: dict[str, str], stdin: str
) -> None:
    refused = mp(nobody, "auth", "login", "--username", account["username"], stdin=stdin)
    assert refused.code == 2, refused
    assert "hint: " in refused.stderr
    assert not home.config.exists()


def test_the_secret_is_in_no_output_no_log_and_no_process_list(
    nobody: dict[str, str], home: Home, mixpanel: Running, account: dict[str, str]
) -> None:
    # The check takes its time, so that the process list is read while the login runs.
    mixpanel.clear_requests()
    mixpanel.fault("/api/app/me", "delay", seconds=2)
    words = ["auth", "login", "work", "--username", account["username"]]
    login = Command(nobody, *words)
    assert login.process.stdin
    login.process.stdin.write(account["secret"] + "\n")
    login.process.stdin.flush()
    wait_until(lambda: mixpanel.requests("/api/app/me"))
    ours = processes_with(str(home.path))
    assert len(ours) >= 2, "the login and the server run"
    assert [process for process in ours if account["secret"] in process] == []
    outputs = [login.finish()]
    mixpanel.clear_faults()
    outputs += [
        mp(nobody, *words)
        for words in (["auth", "status"], ["auth", "list"], ["inspect", "events"])
    ]
    outputs.append(mp(nobody, "inspect", "workspace"))
    outputs.append(mp(nobody, "server", "status", "--format", "json"))
    assert [one.code for one in outputs] == [0] * len(outputs), outputs
    said = "".join(one.stdout + one.stderr for one in outputs)
    logged = "".join(log.read_text(encoding="utf-8") for log in home.logs.iterdir())
    assert account["secret"] not in said + logged + json.dumps(lease.server_info(home))
    ours = processes_with(str(home.path))
    assert len(ours) == 1, "the server runs"
    assert account["secret"] not in ours[0]
    assert files_with(home, account["secret"]) == ["mp.toml"]
