"""`mp auth`: storing accounts, and saying which is in use, without ever showing a secret."""

import json
import sys
from io import StringIO
from pathlib import Path

import pytest

from mp_mcp.accounts import read_stored
from mp_mcp.front.cli import main
from tests.unit.front.fake_server import Message, Peer, Script, answers, serving, state_folder
from tests.unit.memory_keyring import MemoryKeyring

Captured = pytest.CaptureFixture[str]
USER = "mp.a1.service"
ONE: Message = {"user": "Ada", "columns": ["project_id", "name"], "rows": [["1001", "Shop"]]}
TWO: Message = {**ONE, "rows": [["1001", "Shop"], ["1002", "Blog"]]}


def _pipe(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(text))


def _set_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MP_USERNAME", USER)
    monkeypatch.setenv("MP_SECRET", "from-environment")


def test_login_checks_the_piped_secret_and_stores_the_account(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    _pipe(monkeypatch, "t0p-s3cret\n")
    with serving(monkeypatch, answers(ONE)) as server:
        assert main(["auth", "login", "work", "--username", USER, "--region", "eu"]) == 0
        stored = read_stored(server.home)
        assert server.home.config.stat().st_mode & 0o777 == 0o600
        [greeting], [call] = server.greetings, server.calls
    out, err = capsys.readouterr()
    assert call["name"] == "inspect_account"
    assert greeting["asking"]["secret"] == "t0p-s3cret"
    account = stored.accounts["work"]
    assert (account.username, account.secret) == (USER, "t0p-s3cret")
    assert (account.project_id, account.region, stored.default) == ("1001", "eu", "work")
    assert out == ""
    assert "stored account work" in err
    assert "t0p" not in err


def _knows_only(region: str) -> Script:
    def script(peer: Peer) -> None:
        peer.greet()
        peer.hear()
        found = peer.heard[0]["params"]["asking"]["region"] == region
        refused = {"code": "credentials", "message": "Mixpanel refused the credentials."}
        content = ONE if found else refused
        peer.tell(id=1, result={"structuredContent": content, "isError": not found})

    return script


def test_login_finds_the_region(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with serving(monkeypatch, _knows_only("in")) as server:
        _set_secret(monkeypatch)
        assert main(["auth", "login"]) == 0
        assert [g["asking"]["region"] for g in server.greetings] == ["us", "eu", "in"]
        assert read_stored(server.home).accounts["default"].region == "in"


def test_a_refused_login_stores_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with serving(monkeypatch, _knows_only("none")) as server:
        _set_secret(monkeypatch)
        assert main(["auth", "login"]) == 2
        assert not server.home.config.exists()
    assert "Nothing was stored" in capsys.readouterr().err


def test_login_needs_a_choice_between_projects(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    _pipe(monkeypatch, "")
    with serving(monkeypatch, answers(TWO)) as server:
        _set_secret(monkeypatch)
        assert main(["auth", "login"]) == 3
        assert "1001 (Shop), 1002 (Blog)" in capsys.readouterr().err
        assert main(["auth", "login", "--project", "1002"]) == 0
        assert main(["auth", "login", "b", "-p", "1001", "--no-default"]) == 0
        stored = read_stored(server.home)
    assert stored.default == "default"
    assert stored.accounts["default"].project_id == "1002"
    assert stored.accounts["b"].project_id == "1001"


def test_login_without_a_secret_says_where_it_may_come_from(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    _pipe(monkeypatch, "")
    with state_folder(monkeypatch):
        assert main(["auth", "login", "--username", USER]) == 2
    assert "MP_SECRET" in capsys.readouterr().err


def test_without_an_account_nothing_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with state_folder(monkeypatch):
        assert main(["auth", "list"]) == 0
        assert json.loads(capsys.readouterr().out)["rows"] == []
        assert main(["auth", "status", "-f", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["configured"] is False
    assert "mp auth login" in err


def test_status_tells_the_source_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with state_folder(monkeypatch) as home:
        _store(home.config, "work", "home")
        assert main(["auth", "status", "-f", "json"]) == 0
        stored = json.loads(capsys.readouterr().out)
        _set_secret(monkeypatch)
        assert main(["auth", "status", "-f", "json"]) == 0
        environment = json.loads(capsys.readouterr().out)
    assert (stored["account"], stored["source"]) == ("work", "account work")
    assert environment["source"] == "environment"
    assert "s3cret" not in json.dumps([stored, environment])


def test_switch_changes_the_default(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with state_folder(monkeypatch) as home:
        _store(home.config, "work", "home")
        assert main(["auth", "switch", "home"]) == 0
        assert read_stored(home).default == "home"
        assert main(["auth", "switch", "nobody"]) == 4


def test_switch_says_what_was_before(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    with state_folder(monkeypatch) as home:
        _store(home.config, "work", "home")
        assert main(["auth", "switch", "home", "-f", "plain"]) == 0
        assert capsys.readouterr().out == "account home is the default now, before it was work\n"
        assert main(["auth", "switch", "home", "-f", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"default": "home", "before": "home"}


def test_login_with_a_token_stores_a_token(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    _pipe(monkeypatch, "t0p-t0ken\n")
    with serving(monkeypatch, answers(ONE)) as server:
        assert main(["auth", "login", "me", "--oauth", "--region", "us", "-f", "json"]) == 0
        account = read_stored(server.home).accounts["me"]
        assert server.greetings[0]["asking"]["oauth_token"] == "t0p-t0ken"
    assert (account.oauth_token, account.username, account.secret) == ("t0p-t0ken", None, None)
    assert "t0p" not in str(capsys.readouterr())


def test_login_without_a_token_says_where_it_may_come_from(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    _pipe(monkeypatch, "")
    with state_folder(monkeypatch):
        assert main(["auth", "login", "--oauth"]) == 2
    assert "MP_OAUTH_TOKEN" in capsys.readouterr().err


def _in_keyring(memory_keyring: MemoryKeyring) -> dict[str, str]:
    """Secrets by account."""
    return {entry.partition(" in ")[0]: kept for (_, entry), kept in memory_keyring.kept.items()}


def test_login_keeps_the_secret_in_the_keyring_when_there_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, memory_keyring: MemoryKeyring
) -> None:
    _pipe(monkeypatch, "t0p-s3cret\n")
    with serving(monkeypatch, answers(ONE)) as server:
        assert main(["auth", "login", "work", "--username", USER, "--region", "eu"]) == 0
        assert "t0p" not in server.home.config.read_text(encoding="utf-8")
        account = read_stored(server.home).accounts["work"]
        assert (account.in_keyring, account.secret) == (True, None)
        assert _in_keyring(memory_keyring) == {"work": "t0p-s3cret"}
        assert main(["auth", "list", "-f", "csv"]) == 0
        assert main(["auth", "logout", "work"]) == 0
        assert read_stored(server.home).accounts == {}
    assert memory_keyring.kept == {}
    out, err = capsys.readouterr()
    assert "keyring" in err
    assert "work,mp.a1.service,1001,eu,keyring,true" in out


def test_login_into_the_file_takes_the_old_secret_out_of_the_keyring(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, memory_keyring: MemoryKeyring
) -> None:
    words = ["auth", "login", "work", "--username", USER, "--region", "eu"]
    with serving(monkeypatch, answers(ONE)) as server:
        for store in ("keyring", "file"):
            _pipe(monkeypatch, "t0p-s3cret\n")
            assert main([*words, "--store", store]) == 0
        assert read_stored(server.home).accounts["work"].secret == "t0p-s3cret"
    assert memory_keyring.kept == {}


def test_a_locked_keyring_keeps_the_account_until_its_secret_can_be_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, memory_keyring: MemoryKeyring
) -> None:
    _pipe(monkeypatch, "t0p-s3cret\n")
    with serving(monkeypatch, answers(ONE)) as server:
        assert main(["auth", "login", "work", "--username", USER, "--region", "eu"]) == 0
        memory_keyring.locked = True
        assert main(["auth", "logout", "work"]) == 2
        assert set(read_stored(server.home).accounts) == {"work"}
        memory_keyring.locked = False
        assert main(["auth", "logout", "work"]) == 0
    assert memory_keyring.kept == {}
    assert "hush" not in str(capsys.readouterr())


def test_switch_copies_nothing_of_an_older_programs_account(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with state_folder(monkeypatch) as home:
        home.create()
        text = '[accounts.old]\nusername = "u"\nsecret = "s3cret"\n'
        home.older_config.touch(0o600)
        home.older_config.write_text(text, encoding="utf-8")
        assert main(["auth", "switch", "old"]) == 0
        assert read_stored(home).default == "old"
        assert "s3cret" not in home.config.read_text(encoding="utf-8")


def test_logout_removes_the_default_account_and_says_which_follows(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with state_folder(monkeypatch) as home:
        _store(home.config, "work", "home")
        assert main(["auth", "logout", "-f", "plain"]) == 0
        assert capsys.readouterr().out == "account work removed; home is the default now\n"
        assert "work" not in home.config.read_text(encoding="utf-8")
        assert main(["auth", "logout", "-f", "json"]) == 0
        assert json.loads(capsys.readouterr().out) == {"removed": "home", "default": None}
        assert main(["auth", "logout", "-f", "plain"]) == 0
        assert capsys.readouterr().out == "no account is stored\n"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 65])
def test_login_refuses_a_name_that_nobody_could_type(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, name: str
) -> None:
    with state_folder(monkeypatch) as home:
        assert main(["auth", "login", name, "--username", USER]) == 3
        assert not home.config.exists()
    assert "printable" in capsys.readouterr().err


def test_logout_of_an_empty_name_removes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with state_folder(monkeypatch) as home:
        _store(home.config, "work", "home")
        assert main(["auth", "logout", ""]) == 4
        assert set(read_stored(home).accounts) == {"work", "home"}


def test_logout_of_one_of_many_leaves_the_choice_of_a_default(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with state_folder(monkeypatch) as home:
        _store(home.config, "work", "home", "third")
        assert main(["auth", "logout", "work", "-f", "plain"]) == 0
        assert "mp auth switch NAME" in capsys.readouterr().out
        assert main(["auth", "logout", "nobody"]) == 4
    assert "home, third" in capsys.readouterr().err


def test_logout_does_not_touch_the_file_of_an_older_program(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    with state_folder(monkeypatch) as home:
        home.create()
        text = '[accounts.old]\nusername = "u"\nsecret = "s3cret"\n'
        home.older_config.touch(0o600)
        home.older_config.write_text(text, encoding="utf-8")
        assert main(["auth", "logout", "old"]) == 2
        assert home.older_config.read_text(encoding="utf-8") == text
    assert "older program" in capsys.readouterr().err


def _store(path: Path, *names: str) -> None:
    lines = [f'default = "{names[0]}"']
    for name in names:
        lines += [f"[accounts.{name}]", f'username = "{name}"', 'secret = "s3cret"']
    path.write_text("\n".join(lines), encoding="utf-8")
    path.chmod(0o600)
