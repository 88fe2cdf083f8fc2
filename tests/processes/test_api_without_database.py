"""Every API command works without a database: none to import, to open or to write."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mp_mcp.demo.running import Running
from mp_mcp.front.tool_command import table
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import mp
from tests.processes.foreign import database, foreign_program
from tests.processes.waiting import wait_until

DAYS = ("--from", "2025-03-01", "--to", "2025-03-10")
SCRIPT = "function main() { return Events({from_date: '2025-03-01', to_date: '2025-03-02'})\
.groupBy(['name'], mixpanel.reducer.count()) }"

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "inspect_bookmarks": ("-l", "2"),
    "inspect_cohorts": (),
    "inspect_events": (),
    "inspect_funnels": (),
    "inspect_lexicon_schema": ("-t", "event", "-n", "Login"),
    "inspect_lexicon_schemas": (),
    "inspect_properties": ("-e", "Purchase"),
    "inspect_top_events": (),
    "inspect_values": ("-p", "plan", "-e", "Purchase"),
    "query_activity_feed": ("-U", "u-1001,u-1002", *DAYS),
    "query_event_counts": ("-e", "Login,Purchase", *DAYS),
    "query_flows": ("{flows}",),
    "query_frequency": DAYS,
    "query_funnel": ("{funnels}", *DAYS),
    "query_jql": ("-c", SCRIPT),
    "query_property_counts": ("-e", "Purchase", "-p", "plan", *DAYS),
    "query_retention": ("-b", "Signup", *DAYS),
    "query_saved_report": ("{insights}",),
    "query_segmentation": ("-e", "Login", *DAYS),
    "query_segmentation_average": ("-e", "Purchase", "-o", "amount", *DAYS),
    "query_segmentation_numeric": ("-e", "Purchase", "-o", "amount", *DAYS),
    "query_segmentation_sum": ("-e", "Purchase", "-o", "amount", *DAYS),
}


def api_tools() -> set[str]:
    """Tools whose answers come from Mixpanel's reports."""
    return {name for name, row in table().items() if "fresh" in row["options"]}


@contextmanager
def server_without_duckdb(environ: dict[str, str], home: Home) -> Iterator[None]:
    """The shared server of this home, in a process where duckdb cannot be imported."""
    program = "import sys; sys.modules['duckdb'] = None\n"
    program += "from mp_mcp.server.__main__ import main; main()"
    with subprocess.Popen([sys.executable, "-c", program], env=environ) as server:
        try:
            wait_until(lambda: bool(lease.server_info(home).get("ready")))
            assert lease.server_info(home)["pid"] == server.pid
            yield
        finally:
            server.terminate()


def use_every_api_command(environ: dict[str, str]) -> None:
    ids = {
        kind: str(mp(environ, "inspect", "bookmarks", "-t", kind, "-l", "1").rows[0][0])
        for kind in ("flows", "funnels", "insights")
    }
    for tool, arguments in ARGUMENTS.items():
        words = [word.format(**ids) if word[:1] == "{" else word for word in arguments]
        found = mp(environ, *table()[tool]["words"], *words)
        assert found.code == 0, (tool, found)
        assert found.json["project"] == "1001", tool
        assert found.json["rows"], (tool, found)


def test_every_api_tool_is_tried_here() -> None:
    assert set(ARGUMENTS) == api_tools()


def test_every_api_command_works_without_duckdb_and_with_a_data_folder_that_is_none(
    environ: dict[str, str], home: Home, mixpanel: Running
) -> None:
    home.create()
    (home.path / "data").write_text("a file where the folder should be", encoding="utf-8")
    with server_without_duckdb(environ, home):
        use_every_api_command(environ)
        mp(environ, "server", "stop")


def test_every_api_command_works_while_a_foreign_program_holds_the_database(
    environ: dict[str, str], home: Home
) -> None:
    with foreign_program(database(home, environ)) as foreign:
        assert foreign.opens() == "opened"
        use_every_api_command(environ)
        assert mp(environ, "inspect", "workspace").json["database_state"] == "closed"


@pytest.mark.parametrize("folder", ["tools/api", "mixpanel"])
def test_no_module_of_the_api_loads_the_database(folder: str) -> None:
    program = f"""
import importlib, pkgutil, sys
sys.modules["duckdb"] = None
name = "mp_mcp." + {folder!r}.replace("/", ".")
package = importlib.import_module(name)
for module in pkgutil.walk_packages(package.__path__, name + "."):
    importlib.import_module(module.name)
print([name for name in sys.modules if name.startswith(("mp_mcp.store", "mp_mcp.tools.storage"))])
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ,
    )
    assert ran.stdout == "[]\n"
