"""What a terminal gets, and a file or pipe does not: colours, pages, charts, nothing to obey."""

import json
import stat
from pathlib import Path

import pytest

from mp_mcp.front.cli import main
from tests.unit.front.at_terminal import on_terminal
from tests.unit.front.fake_server import Message, Script, answers, serving

HOSTILE = "\x1b]0;owned\x07\x9b2J\u202eevil"
ROWS: Message = {"columns": ["event", "n"], "rows": [["Signup", 3], ["Login", 5]], "row_count": 2}
ATTACK: Script = answers({"columns": ["a"], "rows": [[HOSTILE], ["two\nlines"]], "row_count": 2})
MANY: Script = answers({"columns": ["n"], "types": ["INTEGER"], "rows": [[n] for n in range(90)]})
NUMBERS: Script = answers({"columns": ["a", "n"], "rows": [["x", 1234567]], "row_count": 1})
TIMES: Message = {
    "columns": ["date", "Login"],
    "rows": [["2025-03-01", 4], ["2025-03-02", 0], ["2025-03-03", 8]],
    "row_count": 3,
}


@pytest.mark.parametrize("form", ["table", "plain", "csv", "json", "jsonl"])
def test_no_format_lets_data_command_the_terminal(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, ATTACK) as server:
        code, seen = on_terminal(server.home.path, "query", "sql", "select 1", "-f", form)
    assert code == 0
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*seen}
    assert "owned" in seen
    if form == "json":
        assert json.loads(seen)["rows"][0] == [HOSTILE], "what is escaped is still the same JSON"


def test_one_value_does_not_command_the_terminal_either(monkeypatch: pytest.MonkeyPatch) -> None:
    script = answers({"columns": ["a"], "rows": [[HOSTILE]], "row_count": 1})
    with serving(monkeypatch, script) as server:
        code, seen = on_terminal(server.home.path, "query", "sql", "select 1", "--scalar")
    assert (code, seen) == (0, "\\x1b]0;owned\\x07\\x9b2J\\u202eevil\n")


def test_a_pipe_gets_the_bytes_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(monkeypatch, ATTACK):
        assert main(["query", "sql", "select 1", "-f", "csv"]) == 0
    assert HOSTILE in capsys.readouterr().out


def test_thousands_are_separated_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(monkeypatch, NUMBERS) as server:
        assert "1,234,567" in on_terminal(server.home.path, "query", "sql", "select 1")[1]
        assert main(["query", "sql", "select 1", "-f", "table"]) == 0
    assert "1234567" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": "", "TERM": "dumb"}, False),
    ],
)
def test_no_color_is_honoured(
    environ: dict[str, str], coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, answers(ROWS)) as server:
        _, seen = on_terminal(server.home.path, "inspect", "events", environ=environ)
    assert ("\x1b[" in seen) is coloured


def _pager(folder: Path) -> Path:
    """A pager that says that it was there."""
    pager = folder / "pager"
    pager.write_text("#!/bin/sh\necho paged with $LESS\nwc -l\n", encoding="utf-8")
    pager.chmod(pager.stat().st_mode | stat.S_IXUSR)
    return pager


@pytest.mark.parametrize(
    ("lines", "words", "paged"),
    [(24, (), True), (200, (), False), (24, ("--no-pager",), False)],
)
def test_long_answers_are_paged(
    lines: int, words: tuple[str, ...], paged: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with serving(monkeypatch, MANY) as server:
        code, seen = on_terminal(
            server.home.path,
            *("query", "sql", "select 1", *words),
            size=(lines, 80),
            environ={"PAGER": str(_pager(tmp_path)), "LESS": ""},
        )
    assert code == 0
    assert ("paged with FRX" in seen) is paged
    assert ("89" in seen) is not paged


@pytest.mark.parametrize("pager", ["/nowhere/at/all", "", "cat"])
def test_without_a_pager_long_answers_are_printed(
    pager: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(monkeypatch, MANY) as server:
        code, seen = on_terminal(
            server.home.path, "query", "sql", "select 1", size=(24, 80), environ={"PAGER": pager}
        )
    assert (code, seen.splitlines()[-1]) == (0, "89")


def test_a_closed_pager_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(monkeypatch, MANY) as server:
        words = ("query", "sql", "select 1")
        code, seen = on_terminal(server.home.path, *words, size=(24, 80), environ={"PAGER": "true"})
    assert (code, seen) == (0, "")


def test_a_chart_comes_by_itself_on_a_terminal_and_elsewhere_when_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("inspect", "events")
    spark = "Login  ▅▅▁▁██  least 0  most 8  last 8\n"
    with serving(monkeypatch, answers(TIMES)) as server:
        assert spark in on_terminal(server.home.path, *words)[1]
        assert "▅" not in on_terminal(server.home.path, *words, "--no-chart")[1]
        assert main([*words, "-f", "table"]) == 0
        assert "▅" not in capsys.readouterr().out
        assert main([*words, "--chart"]) == 0
        assert spark in capsys.readouterr().out


def test_a_chart_is_no_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(monkeypatch, answers(TIMES)) as server:
        assert main(["inspect", "events", "--chart", "-f", "json"]) == 3
        assert server.calls == []
    assert capsys.readouterr().err == (
        "error: A chart is not json.\nhint: Leave out --format, or name a FILE.png.\n"
    )


def test_every_error_has_two_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = answers({"code": "query", "message": "No\nsuch\x1b thing."}, is_error=True)
    with serving(monkeypatch, refused):
        assert main(["query", "sql", "select 1"]) == 3
    what, todo = capsys.readouterr().err.splitlines()
    assert what == "error: No such\\x1b thing."
    assert todo.startswith("hint: ")


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["--jq", ".rows[][0]"], "Signup\nLogin\n"),
        (["--jq", ".rows[][0]", "-f", "json"], '"Signup"\n"Login"\n'),
        (["--jq", "[.rows[][1]] | add"], "8\n"),
        (["--jq", ".rows[] | {(.[0]): .[1]}"], '{"Signup": 3}\n{"Login": 5}\n'),
        (["--jq", "empty"], ""),
    ],
)
def test_jq_filters_the_json(
    words: list[str],
    printed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving(monkeypatch, answers(ROWS)):
        assert main(["inspect", "events", *words]) == 0
    assert capsys.readouterr() == (printed, "")


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (746324372380878841, "746324372380878841"),
        (-(2**53) - 1, "-9007199254740993"),
        (2**53, "9007199254740992"),
    ],
)
def test_jq_rounds_no_whole_number(
    value: int,
    printed: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = {"columns": ["id", "properties"], "rows": [[1, {"ids": [value]}]], "row_count": 1}
    with serving(monkeypatch, answers(told)):
        assert main(["inspect", "events", "--jq", ".rows[0] | .[0], .[1].ids[0]"]) == 0
    assert capsys.readouterr() == (f"1\n{printed}\n", "")


def test_a_filter_that_is_none_costs_no_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(monkeypatch, answers(ROWS)) as server:
        assert main(["inspect", "events", "--jq", ".rows["]) == 3
        assert server.calls == []
    assert capsys.readouterr().err.startswith("error: The filter .rows[ does not work: ")


def test_without_the_package_jq_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jq", None)
    with serving(monkeypatch, answers(ROWS)) as server:
        assert main(["inspect", "events", "--jq", "."]) == 3
        assert server.calls == []
    assert "pip install 'mp-mcp[jq]'" in capsys.readouterr().err
