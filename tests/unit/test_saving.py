"""What is left of an answer that became a table, and of one that could not."""

from pathlib import Path
from typing import Any

import pytest

import mp_mcp.tools
from mp_mcp.errors import DatabaseLockedError, SettingsError
from mp_mcp.results import Rows
from mp_mcp.saving import SAMPLE_ROWS, save
from mp_mcp.store.handles import StoreWriter
from mp_mcp.tool import Handle, discover
from tests.unit.tools.fakes import FakeWriter

pytestmark = pytest.mark.anyio


class Lender:
    """Lends a writer, or refuses."""

    def __init__(self, lent: Handle | Exception) -> None:
        self._lent = lent

    async def lend(self, handle: type[Handle], **_: Any) -> Handle:
        """The writer."""
        assert handle is StoreWriter
        if isinstance(self._lent, Exception):
            raise self._lent
        return self._lent


def answer(rows: int, **more: Any) -> Rows:
    return Rows.of(["n"], [[number] for number in range(rows)], **more)


async def test_a_sample_is_left_and_says_where_the_rest_is(tmp_path: Path) -> None:
    found = answer(100, hint="Look at n.")
    await save(found, "kept", Lender(FakeWriter(tmp_path)))
    assert found.rows == [[number] for number in range(SAMPLE_ROWS)]
    assert (found.row_count, found.truncated) == (SAMPLE_ROWS, True)
    assert (found.saved_as, found.saved_rows) == ("kept", 100)
    assert found.hint == "All 100 rows are in the table kept: query_sql reads it. Look at n."


async def test_a_short_answer_is_whole_and_a_cut_one_is_not_called_whole(tmp_path: Path) -> None:
    short = answer(2)
    await save(short, "kept", Lender(FakeWriter(tmp_path)))
    assert (short.row_count, short.truncated) == (2, False)
    cut = answer(2, truncated=True)
    await save(cut, "kept", Lender(FakeWriter(tmp_path)))
    assert cut.truncated
    assert cut.hint == "These 2 rows are in the table kept."


async def test_an_answer_that_cannot_be_kept_is_given_whole(tmp_path: Path) -> None:
    locked = FakeWriter(tmp_path, refusal=DatabaseLockedError("Locked by 4711.", hint="End it."))
    for lender in (Lender(locked), Lender(SettingsError("No project.", hint="Choose one."))):
        found = answer(100)
        await save(found, "kept", lender)
        assert (found.row_count, found.truncated, found.saved_as) == (100, False, None)
        assert found.not_saved
        assert found.not_saved["hint"] in ("End it.", "Choose one.")
        assert "not_saved" in (found.hint or "")


def test_every_report_of_mixpanel_can_be_kept_and_nothing_else() -> None:
    tools = discover(mp_mcp.tools)
    savable = {name for name, tool in tools.items() if tool.is_savable}
    assert savable == {name for name in tools if name.startswith("query_") and name != "query_sql"}
    for name in savable:
        assert issubclass(tools[name].result_model, Rows)
        assert not tools[name].writes
