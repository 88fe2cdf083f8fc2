"""Where a client stands: whose account, which project, and what it is told when that changes."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from mp_mcp import keychain
from mp_mcp.accounts import Account, ServerSettings, remove_account, save_account
from mp_mcp.bounds import AGENT_BOUNDS
from mp_mcp.errors import CredentialsError, SettingsError
from mp_mcp.mixpanel.client import Mixpanel, MixpanelExport, MixpanelLogin
from mp_mcp.mixpanel.models import Target
from mp_mcp.progress import Progress
from mp_mcp.server.lender import AsLastSeen, ProjectLender
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.settings import Asking, Home
from tests.unit.memory_keyring import MemoryKeyring
from tests.unit.server.job_running import runner

pytestmark = pytest.mark.anyio

WORK = Account("work", "robot", "work-secret", None, "1001")
OTHER = Account("other", "robot2", "other-secret", None, "2002")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "state")
    save_account(found, OTHER, make_default=False)
    save_account(found, WORK, make_default=True)
    return found


def lender(home: Home, **asking: Any) -> ProjectLender:
    workspaces = Workspaces(home, ServerSettings())
    return ProjectLender(workspaces, Asking(**asking), AGENT_BOUNDS, runner(workspaces))


def switch(home: Home, account: Account) -> None:
    save_account(home, account, make_default=True)


def test_a_switch_moves_a_client_that_left_the_choice_to_mp_toml(home: Home) -> None:
    client = lender(home)
    assert (client.standing().project, client.standing().notice) == ("1001", None)
    switch(home, OTHER)
    here = client.standing()
    assert here.project == "2002"
    assert "from work (project 1001) to other (project 2002)" in str(here.notice)


def test_a_notice_waits_until_it_was_told_and_is_told_once(home: Home) -> None:
    client = lender(home)
    client.standing()
    switch(home, OTHER)
    assert client.standing().notice
    assert client.standing().notice, "it was not told yet"
    client.standing().notice_told()
    assert client.standing().notice is None


def test_a_notice_survives_a_change_of_other_settings(home: Home) -> None:
    client = lender(home)
    client.standing()
    switch(home, OTHER)
    assert client.standing().notice
    save_account(home, Account("third", "u", "s"), make_default=False)
    assert client.standing().notice


def test_a_file_that_is_broken_for_a_while_does_not_hide_a_switch(home: Home) -> None:
    client = lender(home)
    client.standing()
    home.config.chmod(0o644)
    assert client.standing().notice is None
    home.config.chmod(0o600)
    switch(home, OTHER)
    assert "from work (project 1001) to other (project 2002)" in str(client.standing().notice)


def test_two_switches_in_a_row_are_told_as_one_from_what_the_client_knew(home: Home) -> None:
    client = lender(home)
    client.standing()
    switch(home, OTHER)
    client.standing()
    switch(home, Account("third", "u", "s", None, "3003"))
    assert "from work (project 1001) to third (project 3003)" in str(client.standing().notice)
    switch(home, WORK)
    assert client.standing().notice is None, "it is where it was"


def test_what_a_call_does_after_it_began_needs_no_other_look(home: Home) -> None:
    client = lender(home)
    begun = AsLastSeen(client)
    assert begun.standing().project == "1001"
    switch(home, OTHER)
    assert begun.standing().project == "1001"
    assert client.standing().project == begun.standing().project == "2002"


def test_a_call_that_runs_stays_where_it_began(home: Home) -> None:
    client = lender(home)
    running = client.standing()
    switch(home, OTHER)
    client.standing()
    assert running.project == "1001"


def test_who_was_never_here_before_needs_no_notice(home: Home) -> None:
    client = lender(home)
    switch(home, OTHER)
    assert (client.standing().project, client.standing().notice) == ("2002", None)


@pytest.mark.parametrize(
    ("asking", "project"),
    [
        ({"account": "work"}, "1001"),
        ({"project_id": "77"}, "77"),
        ({"username": "u", "secret": "s", "project_id": "88"}, "88"),
    ],
)
async def test_a_switch_does_not_move_who_named_an_account_or_a_project(
    home: Home, asking: dict[str, str], project: str
) -> None:
    client = lender(home, **asking)
    before = await client.standing().lend(MixpanelExport)
    switch(home, OTHER)
    here = client.standing()
    after = await here.lend(MixpanelExport)
    assert isinstance(before, MixpanelExport)
    assert isinstance(after, MixpanelExport)
    assert before.transport.target == after.transport.target
    assert (here.project, here.notice) == (project, None)


def test_a_new_secret_of_the_same_account_is_used_without_a_notice(home: Home) -> None:
    client = lender(home)
    client.standing()
    switch(home, Account("work", "robot", "rotated", None, "1001"))
    here = client.standing()
    assert here.resolved is not None
    assert (here.resolved.secret, here.notice) == ("rotated", None)


async def test_a_logout_is_noticed_by_the_call_that_needs_the_account(home: Home) -> None:
    client = lender(home)
    client.standing()
    remove_account(home, "work")
    remove_account(home, "other")
    with pytest.raises(SettingsError, match="No Mixpanel project"):
        await client.standing().lend(Mixpanel, fresh=False)
    with pytest.raises(CredentialsError, match="No Mixpanel credentials"):
        await client.standing().lend(MixpanelLogin)
    assert client.standing().workspace().source == "none"


async def test_unusable_settings_fail_each_call_with_an_error_of_its_own(home: Home) -> None:
    home.config.chmod(0o644)
    client = lender(home)
    errors = []
    for _ in range(2):
        with pytest.raises(SettingsError, match="other users") as caught:
            await client.standing().lend(Mixpanel, fresh=False)
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    assert client.standing().project is None
    assert "unusable" in client.standing().workspace().source


async def test_a_data_view_reaches_mixpanel(home: Home) -> None:
    found = await lender(home, workspace_id="4201").standing().lend(Mixpanel, fresh=False)
    assert isinstance(found, Mixpanel)
    assert found.target.workspace_id == "4201"


async def test_a_secret_in_the_keyring_is_fetched_once_for_calls_at_one_time(
    home: Home, memory_keyring: MemoryKeyring
) -> None:
    keychain.save(home, "work", "from-the-keyring")
    memory_keyring.asked = 0
    switch(home, Account("work", "robot", None, None, "1001", in_keyring=True))
    client = lender(home)
    targets: list[Target] = []

    async def lend() -> None:
        found = await client.standing().lend(MixpanelExport)
        assert isinstance(found, MixpanelExport)
        targets.append(found.transport.target)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(lend)
    assert {target.credentials.secret for target in targets} == {"from-the-keyring"}
    assert memory_keyring.asked == 1


async def test_a_call_that_waits_for_the_keyring_can_be_cancelled(
    home: Home, memory_keyring: MemoryKeyring
) -> None:
    keychain.save(home, "work", "s")
    switch(home, Account("work", "robot", None, None, "1001", in_keyring=True))
    memory_keyring.unlocked.clear()
    with anyio.fail_after(5), anyio.move_on_after(0.01) as given_up:
        await lender(home).standing().lend(MixpanelExport)
    memory_keyring.unlocked.set()
    assert given_up.cancelled_caught


async def test_a_token_in_the_keyring_is_a_token(home: Home, memory_keyring: MemoryKeyring) -> None:
    keychain.save(home, "work", "a-token")
    switch(home, Account("work", None, None, None, "1001", in_keyring=True))
    found = await lender(home).standing().lend(MixpanelExport)
    assert isinstance(found, MixpanelExport)
    assert found.transport.target.credentials.kind == "oauth"


async def test_the_overview_shows_what_is_left_of_the_budget(home: Home) -> None:
    client = lender(home)
    shown = client.standing().workspace().budget
    assert shown is not None
    assert [(one.api, one.used, one.limit) for one in shown] == [
        ("query", 0, 60),
        ("jql", 0, 60),
        ("export", 0, 60),
        ("lexicon", 0, 5),
    ]


async def test_what_nobody_can_lend_is_refused(home: Home) -> None:
    from mp_mcp.errors import UsageError

    with pytest.raises(UsageError, match="cannot be lent"):
        await lender(home).standing().lend(Progress)
