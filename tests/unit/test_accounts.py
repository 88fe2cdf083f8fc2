import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mp_mcp.accounts import (
    Account,
    ServerSettings,
    Stored,
    read_stored,
    remove_account,
    save_account,
)
from mp_mcp.errors import CredentialsError, SettingsError
from mp_mcp.resolve import Resolved, base_url_name, resolve
from mp_mcp.settings import Asking, Home

WORK = Account("work", "robot", "work-secret", None, "42", "eu")
HOME = Account("home", None, None, "home-token", "7")
STORED = Stored("work", {"work": WORK, "home": HOME}, ServerSettings())
NOTHING = Stored(None, {}, ServerSettings())


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "state")
    found.create()
    return found


def write(home: Home, text: str, mode: int = 0o600) -> None:
    home.config.write_text(text, encoding="utf-8")
    home.config.chmod(mode)


def test_without_anything_nothing_is_resolved_and_that_is_no_error() -> None:
    found = resolve(Asking(), NOTHING)
    assert (found.source, found.account, found.region) == ("none", None, "us")
    assert not found.has_credentials
    with pytest.raises(CredentialsError, match="No Mixpanel credentials"):
        found.require_credentials()
    with pytest.raises(SettingsError, match="No Mixpanel project"):
        found.require_project()


def test_the_default_account_is_used() -> None:
    found = resolve(Asking(), STORED)
    assert (found.account, found.secret, found.project_id, found.region) == (
        "work",
        "work-secret",
        "42",
        "eu",
    )


def test_the_environments_credentials_take_nothing_from_a_stored_account() -> None:
    found = resolve(Asking(username="other", secret="other-secret"), STORED)
    assert found == Resolved(
        username="other",
        secret="other-secret",
        oauth_token=None,
        project_id=None,
        region="us",
        base_url=None,
        workspace_id=None,
        account=None,
        source="environment",
    )


def test_a_named_account_is_used() -> None:
    found = resolve(Asking(account="home"), STORED)
    assert (found.account, found.oauth_token, found.project_id) == ("home", "home-token", "7")
    assert found.source == "account home"


def test_the_clients_project_and_region_win_over_the_accounts() -> None:
    found = resolve(Asking(project_id="9", region="IN"), STORED)
    assert (found.account, found.project_id, found.region) == ("work", "9", "in")


def test_an_unknown_account_is_refused_with_those_that_exist() -> None:
    with pytest.raises(CredentialsError, match="'wrok'") as caught:
        resolve(Asking(account="wrok"), STORED)
    assert "home, work" in str(caught.value.hint)


def test_an_unknown_region_is_refused() -> None:
    with pytest.raises(SettingsError, match="'mars'"):
        resolve(Asking(region="mars"), STORED)


@pytest.mark.parametrize("project", ["../7", "7/8", "", " 7", "7\n", "x" * 65, "é"])
def test_a_project_that_could_be_a_path_is_refused(project: str) -> None:
    with pytest.raises(SettingsError, match="not a project id"):
        resolve(Asking(project_id=project or " "), NOTHING)


def test_an_absent_file_means_no_accounts(home: Home) -> None:
    assert read_stored(home) == NOTHING


def test_a_saved_account_can_be_read_and_by_its_owner_only(home: Home) -> None:
    save_account(home, WORK, make_default=False)
    save_account(home, HOME, make_default=False)
    assert read_stored(home) == STORED
    assert home.config.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.path.iterdir() if path.is_file()] == ["mp.toml"]


def test_the_last_default_is_the_default(home: Home) -> None:
    save_account(home, WORK, make_default=False)
    save_account(home, HOME, make_default=True)
    assert read_stored(home).default == "home"


def test_the_only_account_is_the_default(home: Home) -> None:
    write(home, '[accounts.only]\nsecret = "s"')
    assert read_stored(home).default == "only"


def test_saving_an_account_keeps_the_rest_of_the_file(home: Home) -> None:
    rest = """
    default = "old"
    "a key" = 2025-01-31
    [server]
    exit_after_s = 30.5
    [server.deep]
    list = [1, "two", { three = 3 }]
    deeper = { deepest = { yes = true } }
    [accounts.old]
    secret = "old-secret"
    colour = "red"
    """
    write(home, rest)
    save_account(home, WORK, make_default=False)
    found = tomllib.loads(home.config.read_text(encoding="utf-8"))
    assert found["accounts"].pop("work")["secret"] == "work-secret"
    assert found == tomllib.loads(rest)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=60, deadline=None)
@given(name=TEXTS, secret=TEXTS)
@example(name="\x7f", secret="\x7f")
@example(name="\U0001f511", secret='"\\\r\n\t\x00')
def test_any_name_and_any_secret_survive(
    name: str, secret: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = Home(tmp_path_factory.mktemp("state"))
    save_account(home, Account(name, "robot", secret), make_default=True)
    assert read_stored(home).account(name).secret == secret


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_read_is_refused(home: Home, mode: int) -> None:
    for path in (home.older_config, home.config):
        path.write_text("")
        path.chmod(mode)
        with pytest.raises(SettingsError, match="other users") as caught:
            read_stored(home)
        assert f"chmod 600 {path}" in str(caught.value.hint)
        path.unlink()


@pytest.mark.parametrize("text", ["default = ", "server = 3", 'server = "exit_after_s"', "\x00"])
def test_a_malformed_file_is_named(home: Home, text: str) -> None:
    write(home, text)
    with pytest.raises(SettingsError, match=r"mp\.toml"):
        read_stored(home)


@pytest.mark.parametrize("text", ["accounts = 3", "[accounts]\nwork = 3", "[accounts.work]"])
def test_what_is_no_account_is_passed_over(home: Home, text: str) -> None:
    write(home, text)
    assert not resolve(Asking(), read_stored(home)).has_credentials


def test_the_servers_times_are_read_and_must_be_numbers(home: Home) -> None:
    write(home, "[server]\nrelease_after_s = 1\nexit_after_s = 2.5")
    assert read_stored(home).server == ServerSettings(1.0, 2.5)
    write(home, '[server]\nexit_after_s = "never"')
    with pytest.raises(SettingsError, match="exit_after_s"):
        read_stored(home)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("max_clients = 0", "max_clients in mp.toml must be at least 1, not 0"),
        ("max_clients = -5", "max_clients in mp.toml must be at least 1, not -5"),
        ("late_days = -1", "late_days in mp.toml must be at least 0, not -1"),
        ("max_process_gb = 0.01", "max_process_gb in mp.toml must be at least 2, not 0.01"),
        ("max_database_percent = 101", "max_database_percent in mp.toml must be 1 to 100, not 101"),
        ('max_reads = "many"', "max_reads must be a number, not 'many'"),
    ],
)
def test_a_limit_out_of_its_range_is_refused_by_its_name(home: Home, line: str, told: str) -> None:
    write(home, f"[server]\n{line}")
    with pytest.raises(SettingsError, match=re.escape(f"[server] {told}")) as caught:
        read_stored(home)
    assert caught.value.hint


def test_the_least_that_a_limit_may_be_is_kept(home: Home) -> None:
    write(home, "[server]\nmax_clients = 1\nlate_days = 0\nmax_process_gb = 2")
    found = read_stored(home)
    assert (found.server.max_clients, found.server.late_days) == (1, 0)
    assert found.unknown == ()


def test_keys_that_nobody_reads_are_known_as_such(home: Home) -> None:
    write(home, "[server]\nmax_client = 5\nexit_after_s = 3")
    found = read_stored(home)
    assert (found.unknown, found.server.exit_after_s) == (("max_client",), 3)


def test_accounts_of_an_older_program_are_read_and_never_written(home: Home) -> None:
    older = home.path / "config.toml"
    older.touch(0o600)
    older.write_text('default = "old"\n[accounts.old]\nusername = "u"\nsecret = "s"\n')
    assert read_stored(home).account("old").username == "u"
    save_account(home, WORK, make_default=True)
    found = read_stored(home)
    assert (found.default, set(found.accounts)) == ("work", {"old", "work"})
    assert "work" not in older.read_text()
    assert "old" not in home.config.read_text()


def test_a_removed_account_is_gone_and_the_rest_of_the_file_stays(home: Home) -> None:
    save_account(home, WORK, make_default=True)
    save_account(home, HOME, make_default=False)
    assert remove_account(home, "work") == "home"
    found = read_stored(home)
    assert (set(found.accounts), found.default) == ({"home"}, "home")
    assert "work-secret" not in home.config.read_text(encoding="utf-8")
    assert home.config.stat().st_mode & 0o777 == 0o600


def test_removing_another_account_than_the_default_leaves_the_default(home: Home) -> None:
    save_account(home, WORK, make_default=True)
    save_account(home, HOME, make_default=False)
    assert remove_account(home, "home") == "work"


def test_an_account_that_is_not_there_cannot_be_removed(home: Home) -> None:
    save_account(home, WORK, make_default=True)
    before = home.config.read_bytes()
    with pytest.raises(CredentialsError, match="no account 'wrok'"):
        remove_account(home, "wrok")
    assert home.config.read_bytes() == before


def test_an_account_whose_secret_is_in_the_keyring_has_none_in_the_file(home: Home) -> None:
    account = Account("work", "robot", None, None, "42", "eu", in_keyring=True)
    save_account(home, account, make_default=True)
    assert read_stored(home).account("work") == account
    assert resolve(Asking(), read_stored(home)).has_credentials


def test_a_broken_file_of_an_older_program_is_no_concern_of_ours(home: Home) -> None:
    home.older_config.touch(0o600)
    home.older_config.write_bytes(b"\xff = = =")
    assert read_stored(home) == NOTHING


@pytest.mark.parametrize(
    ("base_url", "name"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1-8080"),
        ("https://proxy.example.com/mixpanel", "proxy.example.com-443"),
        ("http://localhost", "localhost-80"),
        ("http://[::1]:9000/", "__1-9000"),
    ],
)
def test_another_base_url_has_a_folder_of_its_own(base_url: str, name: str) -> None:
    assert base_url_name(base_url) == name


@pytest.mark.parametrize(
    "base_url",
    [
        *("ftp://x", "http://", "http://..", "localhost:80", "http://h:99999", "http://h:x"),
        *("http://[", "http://ada:s3cret@h", "http://h/?t=s3cret", "http://h#s3cret"),
        "http://ada:s3cret@h:x",
    ],
)
def test_a_base_url_that_is_none_is_refused_and_not_repeated(base_url: str) -> None:
    with pytest.raises(SettingsError, match="MP_API_BASE_URL") as caught:
        base_url_name(base_url)
    assert base_url not in str(caught.value)
    assert "s3cret" not in f"{caught.value} {caught.value.hint}"
