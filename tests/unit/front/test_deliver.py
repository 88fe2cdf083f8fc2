"""A file from the spool to where a person wants it: whole, of normal mode, replacing nothing."""

import errno
import os
import resource
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from mp_mcp.errors import DiskFullError, MpError, UsageError
from mp_mcp.front.deliver import Target
from mp_mcp.settings import Home

CONTENT = b"a,b\n1,2\n" * 1000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def spooled(home: Home) -> Path:
    path = home.path / "spool" / "7" / "export-x" / "answer.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    path.chmod(0o600)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def deliver(home: Home, file: Path, spooled: Path, **more: Any) -> dict[str, Any]:
    target = Target.of(home, {"file": str(file), **more})
    return target.take({"file": str(file), "bytes": len(CONTENT), "spooled": str(spooled)})


def here(_: Path) -> None:
    """The same disk."""


@pytest.fixture(params=["one disk", "two disks", "no hard links"])
def disks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What links and renames between the spool and the target do."""

    def refuse(code: int, real: Callable[..., None]) -> Callable[..., None]:
        def step(source: Path, target: Path) -> None:
            if code == errno.EPERM or "export-" in str(source):
                raise OSError(code, os.strerror(code), str(source))
            real(source, target)

        return step

    if request.param != "one disk":
        code = errno.EXDEV if request.param == "two disks" else errno.EPERM
        monkeypatch.setattr(os, "link", refuse(code, os.link))
    if request.param == "two disks":
        monkeypatch.setattr(Path, "replace", refuse(errno.EXDEV, Path.replace))
    return str(request.param)


def test_the_file_arrives_whole_and_leaves_the_spool(
    home: Home, spooled: Path, out: Path, disks: str
) -> None:
    found = deliver(home, out / "a.csv", spooled)
    assert found == {"file": str(out / "a.csv"), "bytes": len(CONTENT)}
    assert (out / "a.csv").read_bytes() == CONTENT
    assert [path.name for path in out.iterdir()] == ["a.csv"]
    assert not spooled.parent.exists()


def test_a_file_that_is_there_is_replaced_only_by_force(
    home: Home, spooled: Path, out: Path, disks: str
) -> None:
    file = out / "a.csv"
    file.write_bytes(b"mine")
    with pytest.raises(UsageError, match="is there already"):
        deliver(home, file, spooled)
    assert file.read_bytes() == b"mine"
    deliver(home, file, spooled, force=True)
    assert file.read_bytes() == CONTENT
    assert [path.name for path in out.iterdir()] == ["a.csv"]


def test_a_file_that_comes_up_meanwhile_is_not_replaced(
    home: Home, spooled: Path, out: Path, disks: str
) -> None:
    file = out / "a.csv"
    target = Target.of(home, {"file": str(file)})
    file.write_bytes(b"of somebody else")
    with pytest.raises(UsageError, match="is there already"):
        target.take({"spooled": str(spooled)})
    assert file.read_bytes() == b"of somebody else"
    assert [path.name for path in out.iterdir()] == ["a.csv"]
    assert not spooled.parent.exists()


@pytest.fixture
def mask() -> Iterator[int]:
    """A mask that lets a group read."""
    before = os.umask(0o027)
    yield 0o027
    assert os.umask(before) == 0o027, "it was changed for good"


def test_its_mode_is_that_of_any_new_file(
    home: Home, spooled: Path, out: Path, disks: str, mask: int
) -> None:
    deliver(home, out / "a.csv", spooled)
    assert (out / "a.csv").stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_full_disk_is_told_and_leaves_nothing(
    home: Home, spooled: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_disk(source: Path, _: Path) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(source))

    monkeypatch.setattr(os, "link", other_disk)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    target = Target.of(home, {"file": str(out / "a.csv")})
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, limits[1]))
    try:
        with pytest.raises(DiskFullError) as caught:
            target.take({"spooled": str(spooled)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(out / "a.csv") in caught.value.message
    assert list(out.iterdir()) == []
    assert not spooled.parent.exists()


def test_a_link_leads_to_the_file_that_is_replaced(home: Home, spooled: Path, out: Path) -> None:
    (out / "real.csv").write_bytes(b"old")
    (out / "link.csv").symlink_to("real.csv")
    deliver(home, out / "link.csv", spooled, force=True)
    assert (out / "link.csv").is_symlink()
    assert (out / "real.csv").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("name", "says"),
    [("missing/a.csv", "no folder"), ("folder", "is no file"), ("pipe", "is no file")],
)
def test_where_no_file_can_be_is_told_before_anything_runs(
    home: Home, out: Path, name: str, says: str
) -> None:
    (out / "folder").mkdir()
    os.mkfifo(out / "pipe")
    with pytest.raises(UsageError, match=says):
        Target.of(home, {"file": str(out / name), "force": True})


@pytest.mark.parametrize("name", ["data/7.db", "spool/x.csv", "state.db", "data/host-1/7.db"])
def test_the_files_of_mp_are_never_a_target(home: Home, name: str) -> None:
    path = home.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with pytest.raises(UsageError, match="its own files"):
        Target.of(home, {"file": str(path), "force": True})


def test_a_database_that_somebody_may_have_open_is_not_replaced(home: Home, out: Path) -> None:
    for name in ("a.db", "a.db.wal"):
        (out / name).write_bytes(b"x")
    with pytest.raises(UsageError, match="wal"):
        Target.of(home, {"file": str(out / "a.db"), "force": True})


class Terminal(StringIO):
    """Where a person sits."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def test_a_person_at_a_terminal_is_asked(
    home: Home, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "a.csv").write_bytes(b"mine")
    monkeypatch.setattr("sys.stdin", Terminal("n\ny\n"))
    arguments: dict[str, Any] = {"file": str(out / "a.csv")}
    with pytest.raises(KeyboardInterrupt):
        Target.of(home, arguments)
    assert "force" not in arguments
    Target.of(home, arguments)
    assert arguments["force"] is True
    assert f"replace {out / 'a.csv'}?" in capsys.readouterr().err


def test_a_file_that_is_gone_from_the_spool_is_told(home: Home, spooled: Path, out: Path) -> None:
    target = Target.of(home, {"file": str(out / "a.csv")})
    spooled.unlink()
    with pytest.raises(MpError, match="is gone"):
        target.take({"spooled": str(spooled)})
