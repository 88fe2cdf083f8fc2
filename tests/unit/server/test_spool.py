"""What a killed server leaves in the spool, and what the next one makes of it."""

from mp_mcp.accounts import ServerSettings
from mp_mcp.server.workspaces import Workspaces
from mp_mcp.settings import Home


def test_the_next_server_removes_what_nobody_was_told_of(home: Home) -> None:
    spool = home.path / "spool" / "1001"
    for name in ("load-1", "export-1"):
        (spool / name).mkdir(parents=True)
        (spool / name / "file").write_text("x")
    (spool / "rejects-1.jsonl").touch()
    (spool / "rejects-2.jsonl").write_text("no event\n")
    Workspaces(home, ServerSettings()).clean_spool()
    assert [path.name for path in spool.iterdir()] == ["rejects-2.jsonl"]
