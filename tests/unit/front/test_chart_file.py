"""`--chart FILE.png|svg`: checked before the call, whole after it."""

import io
import sys
from pathlib import Path

import pytest

from mp_mcp.charts.picture import BOXES
from mp_mcp.front.cli import main
from tests.unit.charts.results import FUNNEL
from tests.unit.front.fake_server import answers, serving

ASK = ["query", "funnel", "7001", "--from", "2025-01-01", "--to", "2025-01-31"]


@pytest.mark.parametrize(
    ("name", "begin"), [("out.png", b"\x89PNG"), ("out.svg", b"<?xml"), ("OUT.PNG", b"\x89PNG")]
)
def test_the_answer_is_drawn_beside_being_printed(
    name: str,
    begin: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / name
    with serving(monkeypatch, answers(FUNNEL)) as server:
        assert main([*ASK[:2], "--chart", str(path), *ASK[2:]]) == 0
        assert server.calls[0]["arguments"]["funnel_id"] == 7001
    out, err = capsys.readouterr()
    assert '"columns": ["step"' in out
    assert err.startswith(f"chart: {path}, ")
    assert path.read_bytes().startswith(begin)
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_a_picture_is_replaced_only_by_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"older")
    with serving(monkeypatch, answers(FUNNEL)) as server:
        assert main([*ASK, "--chart", str(path)]) == 3
        assert server.calls == []
    told = f"error: {path} is there already.\nhint: --force replaces it, or use another name.\n"
    assert capsys.readouterr() == ("", told)
    assert path.read_bytes() == b"older"
    with serving(monkeypatch, answers(FUNNEL)):
        assert main([*ASK, "--chart", str(path), "--force"]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("said", "code"), [("n\n", 130), ("y\n", 0)])
def test_a_person_is_asked_whether_to_replace_a_picture(
    said: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"older")
    stdin = io.StringIO(said)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", stdin)
    with serving(monkeypatch, answers(FUNNEL)):
        assert main([*ASK, "--chart", str(path)]) == code
    assert (path.read_bytes() == b"older") == (code != 0)


def test_letters_that_no_font_has_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [[1, "\U00010600", *FUNNEL["rows"][0][2:]]]
    with serving(monkeypatch, answers(FUNNEL | {"rows": rows})):
        assert main([*ASK, "--chart", str(tmp_path / "out.png")]) == 0
        assert main([*ASK, "--chart", str(tmp_path / "other.png"), "--quiet"]) == 0
    told = capsys.readouterr().err.splitlines()[1:]
    assert told == [f"hint: {BOXES}"]


def test_a_picture_of_another_kind_is_told_which_ones_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(monkeypatch, answers(FUNNEL)) as server:
        assert main([*ASK, "--chart", "out.jpg"]) == 3
        assert server.calls == []
    told = "Unexpected argument: out.jpg. Option --chart takes a file that ends in .png or .svg."
    assert told in capsys.readouterr().err


def test_the_flag_alone_takes_no_word_from_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(monkeypatch, answers(FUNNEL)) as server:
        assert main([*ASK[:2], "--chart", *ASK[2:]]) == 0
        assert server.calls[0]["arguments"]["funnel_id"] == 7001
    assert "1. Signup         8,870  ███" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("--chart=out.pdf", "Option --chart takes a file that ends in .png or .svg."),
        ("--chart=/nowhere/out.png", "There is no folder /nowhere."),
        ("--chart=/proc/out.png", "/proc/out.png cannot be written"),
    ],
)
def test_a_file_that_cannot_be_costs_no_call(
    value: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if "/proc" in value:
        monkeypatch.setattr("os.access", lambda *_: False)
    with serving(monkeypatch, answers(FUNNEL)) as server:
        assert main([*ASK, value]) == 3
        assert server.calls == []
    assert told in capsys.readouterr().err


def test_without_the_library_no_call_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with serving(monkeypatch, answers(FUNNEL)) as server:
        assert main([*ASK, "--chart", str(tmp_path / "out.png")]) == 3
        assert server.calls == []
    assert "pip install 'mp-mcp[charts]'" in capsys.readouterr().err


def test_an_answer_that_is_no_chart_is_printed_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with serving(monkeypatch, answers({"columns": ["a"], "rows": [["x"]], "row_count": 1})):
        assert main([*ASK, "--chart", str(tmp_path / "out.png"), "-f", "csv"]) == 3
    out, err = capsys.readouterr()
    assert out == "a\nx\n"
    assert err.startswith("error: This answer has nothing to draw.\nhint: ")
    assert list(tmp_path.iterdir()) == []
