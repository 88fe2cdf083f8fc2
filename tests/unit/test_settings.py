from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mp_mcp.errors import SettingsError
from mp_mcp.settings import Asking, Home, asking, find_home, seconds

EVERYTHING = {
    "MP_ACCOUNT": "work",
    "MP_USERNAME": "robot",
    "MP_SECRET": "s3cret-value",
    "MP_OAUTH_TOKEN": "t0ken-value",
    "MP_PROJECT_ID": "42",
    "MP_REGION": "eu",
    "MP_API_BASE_URL": "http://127.0.0.1:8080",
    "MP_WORKSPACE_ID": "7",
    "MP_LOCK_WAIT": "2.5",
}


def test_the_environment_is_read_whole() -> None:
    assert asking(EVERYTHING) == Asking(
        account="work",
        username="robot",
        secret="s3cret-value",
        oauth_token="t0ken-value",
        project_id="42",
        region="eu",
        base_url="http://127.0.0.1:8080",
        workspace_id="7",
        lock_wait_s=2.5,
    )


def test_an_empty_variable_is_not_set() -> None:
    assert asking(dict.fromkeys(EVERYTHING, "")) == Asking()


def test_an_account_flag_hides_what_the_environment_says_about_another_account() -> None:
    found = asking(EVERYTHING, account="other")
    assert found == Asking(account="other", base_url="http://127.0.0.1:8080", lock_wait_s=2.5)


def test_a_project_flag_wins_over_the_environment() -> None:
    assert asking(EVERYTHING, project="43").project_id == "43"
    assert asking(EVERYTHING, account="other", project="43").project_id == "43"
    assert asking(EVERYTHING, project="43").secret == "s3cret-value"


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Asking,
        **{name: st.none() | st.text(min_size=1) for name in Asking._fields[:-1]},
        lock_wait_s=st.floats(0, 100),
    )
)
def test_what_a_client_brings_survives_the_greeting(client: Asking) -> None:
    assert Asking.from_dict(client.as_dict()) == client


def test_a_greeting_of_a_newer_client_may_bring_more() -> None:
    assert Asking.from_dict({"account": "work", "colour": "red"}) == Asking(account="work")


def test_null_in_a_greeting_means_not_set() -> None:
    assert Asking.from_dict({"account": None, "lock_wait_s": None}) == Asking()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("secret", 5),
        ("account", ["work"]),
        ("project_id", 42),
        ("region", True),
        ("lock_wait_s", "soon"),
        ("lock_wait_s", True),
        ("lock_wait_s", {}),
    ],
)
def test_a_greeting_with_a_wrong_type_is_refused_without_its_value(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=key):
        Asking.from_dict({key: value})


@pytest.mark.parametrize("value", ["soon", "nan", "inf", "-inf", "1e999", "5s", "0x10"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="MP_LOCK_WAIT must be a number of seconds"):
        asking({"MP_LOCK_WAIT": value})


def test_seconds_are_never_negative() -> None:
    assert seconds("x", "-3", 5.0) == 0.0
    assert seconds("x", 2, 5.0) == 2.0
    assert seconds("x", None, 5.0) == 5.0


def test_the_state_folder_is_chosen_by_the_environment() -> None:
    assert find_home({"MP_HOME": "/somewhere/else"}).path == Path("/somewhere/else")
    assert find_home({"MP_HOME": ""}).path == Path.home() / ".mp"
    assert find_home({"MP_HOME": "~/elsewhere"}).path == Path.home() / "elsewhere"


def test_a_relative_state_folder_means_the_same_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_home({"MP_HOME": "state"}).path == tmp_path / "state"


def test_the_state_folder_is_found_from_a_folder_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert find_home({"MP_HOME": "/state"}).socket == Path("/state/run/mp.sock")
    assert find_home({"MP_HOME": "/state"}).address == "/state/run/mp.sock"


def test_the_home_of_nobody_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot be found"):
        find_home({"MP_HOME": "~nobody-of-this-name/state"})


def test_the_state_folders_are_for_their_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "state")
    home.create()
    home.create()
    assert {f.stat().st_mode & 0o777 for f in (home.path, home.run, home.logs)} == {0o700}
