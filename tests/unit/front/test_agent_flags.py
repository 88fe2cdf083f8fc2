import subprocess
import sys

import pytest

from mp_mcp.errors import UsageError
from mp_mcp.front.agent_flags import read
from tests.unit.front.fake_server import serving
from tests.unit.front.pumped import Pumped, echo


def test_flags_are_read_in_both_spellings() -> None:
    words = ["--account", "me", "--project=7", "--toolsets", "all, jobs", "--read-only"]
    flags, choice = read([*words, "--tools=query_sql,save_table", "--tools", "inspect_tables"])
    assert flags == {"account": "me", "project": "7"}
    assert choice == {
        "toolsets": ["all", "jobs"],
        "tools": ["query_sql", "save_table", "inspect_tables"],
        "read_only": True,
    }


def test_without_flags_nothing_is_chosen() -> None:
    assert read([]) == ({}, {})


def test_the_choice_is_in_every_greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        serving(monkeypatch, echo) as server,
        Pumped("--toolsets", "jobs", "--read-only") as pumped,
    ):
        pumped.ask(1, "tools/list")
        pumped.hear()
    (greeting,) = server.greetings
    assert (greeting["toolsets"], greeting["read_only"]) == (["jobs"], True)
    assert "tools" not in greeting


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--toolsets", "defalt"], "Did you mean default?"),
        (["--tools", "query_sq"], "Did you mean query_sql?"),
        (["--tools", "zzzzzz"], "Known: "),
        (["--tools", ","], "names nothing"),
        (["--tools"], "usage: mp-mcp"),
        (["--read-only=yes"], "usage: mp-mcp"),
    ],
)
def test_what_cannot_be_chosen_is_refused_before_anything_starts(
    words: list[str], said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read(words)
    assert said in f"{caught.value.message} {caught.value.hint}"


def test_a_wrong_name_is_told_on_stderr_with_its_exit_code() -> None:
    command = [sys.executable, "-m", "mp_mcp.front.agent", "--tools", "query_sq"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == ("mp-mcp: there is no tool 'query_sq'\nhint: Did you mean query_sql?\n")
