"""What README.md says about tools and settings is what the code says about them."""

import re

import mp_mcp.tools
from mp_mcp.settings import VARIABLES
from mp_mcp.tool import discover
from tests.contract.readme import README, TABLES, demo, renewed, settings, table

PACKAGE = README.parent / "mp_mcp"


def test_the_tables_of_tools_and_settings_are_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == renewed(text), "run: python -m tests.contract.readme"


def test_only_what_is_between_the_markers_is_rewritten() -> None:
    text = "before\n<!-- tools -->\nold\n<!-- /tools -->\nafter\n"
    assert renewed(text) == f"before\n<!-- tools -->\n{table()}<!-- /tools -->\nafter\n"
    assert renewed(renewed(text)) == renewed(text)


def test_a_text_without_markers_stays_as_it_is() -> None:
    assert renewed("# A readme\n") == "# A readme\n"


def test_the_readme_has_exactly_one_pair_of_markers_for_each_table() -> None:
    text = README.read_text(encoding="utf-8")
    for name in TABLES:
        assert text.count(f"<!-- {name} -->\n") == text.count(f"<!-- /{name} -->\n") == 1


def test_the_part_of_the_demo_is_its_collision_and_its_end() -> None:
    lines = demo().splitlines()
    assert lines[1].startswith("1. All at once.")
    assert "Conflicting lock" in lines[-2]
    assert len(lines) < 15


def test_every_variable_that_the_code_names_is_described() -> None:
    named = {
        name
        for path in PACKAGE.rglob("*.py")
        for name in re.findall(r"\bMP_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    assert named == set(VARIABLES)


def test_every_limit_is_a_row_with_its_value() -> None:
    rows = settings()
    for text in ("max_clients = 64", "max_waiting_writes = 64", "max_reads = 8", "2 MiB"):
        assert text in rows


def test_every_tool_has_one_row_of_three_cells() -> None:
    rows = table().splitlines()[2:]
    assert len(rows) == len(discover(mp_mcp.tools))
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)


def test_a_row_shows_the_command_as_it_is_typed() -> None:
    (row,) = (row for row in table().splitlines() if row.startswith("| `query_sql`"))
    assert "| `mp query sql [SQL] [-l/--limit] [--offset]" in row
    assert "[-F/--file] [-s/--scalar]` |" in row
