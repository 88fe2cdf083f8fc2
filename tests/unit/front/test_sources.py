"""`mp auth status`: what would be used, and why."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.accounts import Account, read_stored, remove_account, save_account
from mp_mcp.errors import SettingsError
from mp_mcp.front.flags import Flags
from mp_mcp.front.sources import explained
from mp_mcp.resolve import resolve
from mp_mcp.settings import Asking, Home

OWN = {"MP_USERNAME": "robot", "MP_SECRET": "hush-5ecret"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "state")
    save_account(found, Account("work", "w", "hush-work", None, "42", "eu"), make_default=True)
    save_account(found, Account("other", "o", "hush-other"), make_default=False)
    return found


def why(home: Home, environ: Mapping[str, str], **flags: Any) -> tuple[dict[str, Any], str]:
    """The explanation, and why these credentials."""
    given = Flags()
    for name, value in flags.items():
        setattr(given, name, value)
    found = explained(home, given, environ)
    assert "hush" not in str(found)
    return found, found["why"]["credentials"]


def test_the_default_account_is_explained(home: Home) -> None:
    found, reason = why(home, {})
    assert reason == "it is the default account"
    assert found["why"]["project"] == "account work"
    assert found["why"]["region"] == "account work"
    assert (found["account"], found["project_id"], found["region"]) == ("work", "42", "eu")


def test_the_environment_wins_over_the_default_and_says_so(home: Home) -> None:
    found, reason = why(home, {**OWN, "MP_PROJECT_ID": "7", "MP_REGION": "in"})
    assert reason == "MP_USERNAME and MP_SECRET of the environment; it wins over account work"
    assert (found["account"], found["project_id"], found["region"]) == (None, "7", "in")
    assert found["why"]["project"] == "MP_PROJECT_ID"
    assert found["why"]["region"] == "MP_REGION"


def test_an_account_flag_wins_over_the_environment(home: Home) -> None:
    found, reason = why(home, {**OWN, "MP_PROJECT_ID": "7"}, account="work")
    assert reason == "--account wins over everything else"
    assert (found["account"], found["project_id"]) == ("work", "42")


def test_a_project_flag_wins_over_the_accounts_project(home: Home) -> None:
    found, _ = why(home, {"MP_PROJECT_ID": "8"}, project="9")
    assert (found["project_id"], found["why"]["project"]) == ("9", "--project")


def test_an_account_named_by_the_environment_is_explained(home: Home) -> None:
    found, reason = why(home, {"MP_ACCOUNT": "other"})
    assert (found["account"], reason) == ("other", "MP_ACCOUNT of the environment names it")
    assert found["why"]["project"] == "none is chosen"
    assert found["why"]["region"] == "us unless told otherwise"


def test_the_only_account_is_explained(tmp_path: Path) -> None:
    home = Home(tmp_path / "other")
    save_account(home, Account("one", "u", "hush"), make_default=False)
    assert why(home, {})[1] == "it is the default and the only account"


def test_nothing_at_all_is_explained(tmp_path: Path) -> None:
    found, reason = why(Home(tmp_path / "empty"), {})
    assert (found["configured"], found["source"]) == (False, "none")
    assert reason == "neither the environment nor mp.toml has any"


def test_a_data_view_is_shown(home: Home) -> None:
    assert why(home, {}, workspace="4201")[0]["workspace_id"] == "4201"
    assert why(home, {"MP_WORKSPACE_ID": "17"})[0]["workspace_id"] == "17"


def test_stored_accounts_without_a_default_are_named(home: Home) -> None:
    save_account(home, Account("third", "t", "hush-third"), make_default=False)
    remove_account(home, "work")
    found, reason = why(home, {})
    assert reason == "accounts are stored, but none of them is the default"
    assert found["hint"] == "No account is the default: `mp auth switch NAME`, of other, third."
    resolved = resolve(Asking(), read_stored(home))
    with pytest.raises(SettingsError) as caught:
        resolved.require_project()
    assert caught.value.hint == found["hint"]


def test_an_empty_flag_is_refused(home: Home) -> None:
    for flag in ("account", "project", "workspace"):
        with pytest.raises(SettingsError, match=f"--{flag} is empty"):
            why(home, {}, **{flag: ""})
