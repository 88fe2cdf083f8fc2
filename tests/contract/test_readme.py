"""What README.md says about tools is what the tools say about themselves."""

import mp_mcp.tools
from mp_mcp.tool import discover
from tests.contract.readme import MARKED, README, renewed, table


def test_the_table_of_tools_is_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == renewed(text), "run: python -m tests.contract.readme"


def test_only_what_is_between_the_markers_is_rewritten() -> None:
    text = "before\n<!-- tools -->\nold\n<!-- /tools -->\nafter\n"
    assert renewed(text) == f"before\n<!-- tools -->\n{table()}<!-- /tools -->\nafter\n"
    assert renewed(renewed(text)) == renewed(text)


def test_a_text_without_markers_stays_as_it_is() -> None:
    assert renewed("# A readme\n") == "# A readme\n"


def test_the_readme_has_exactly_one_pair_of_markers() -> None:
    text = README.read_text(encoding="utf-8")
    assert len(MARKED.findall(text)) == 1
    assert text.count("<!-- tools -->") == text.count("<!-- /tools -->") == 1


def test_every_tool_has_one_row_of_three_cells() -> None:
    rows = table().splitlines()[2:]
    assert len(rows) == len(discover(mp_mcp.tools))
    assert all(row.replace("\\|", "").count("|") == 4 for row in rows)


def test_a_row_shows_the_command_as_it_is_typed() -> None:
    (row,) = (row for row in table().splitlines() if row.startswith("| `query_sql`"))
    assert "| `mp query sql [SQL] [-l/--limit] [--offset]" in row
    assert "[-F/--file] [-s/--scalar]` |" in row
