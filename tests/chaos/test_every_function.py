"""No function that SQL may call opens the project's own file, whatever it is given."""

from itertools import product
from pathlib import Path

import pytest

from mp_mcp.errors import MpError
from mp_mcp.store import guard_names
from mp_mcp.store.open_store import Files
from mp_mcp.store.parser import built_in_functions
from mp_mcp.store.reads import Limits
from tests.processes.foreign import foreign_program

pytestmark = pytest.mark.anyio


def calls(path: Path) -> list[str]:
    """Every function with the path as its first, second or third argument, or as all of them."""
    ours, other = f"'{path}'", ("1", "'a'", "t.a")
    arguments = [f"{ours}", f"[{ours}]", f"{ours}, {ours}", f"{ours}, {ours}, {ours}"]
    arguments += [form.format(ours, one) for form, one in product(("{}, {}", "{1}, {0}"), other)]
    found = []
    for name, kind in built_in_functions():
        is_table = kind in ("table", "table_macro", "pragma")
        allowed = guard_names.TABLE_FUNCTIONS if is_table else guard_names.functions()
        form = "SELECT * FROM t, {}({})" if is_table else 'SELECT "{}"({}) FROM t'
        found += [form.format(name, each) for each in arguments[: None if name in allowed else 2]]
    return found


async def test_no_function_drops_the_lock(tmp_path: Path) -> None:
    files = Files()
    store = files.store(tmp_path / "data" / "7.db", spool=tmp_path / "spool")
    path = store.database.path
    await store.shared.queue.submit(
        lambda cursor: cursor.execute("CREATE TABLE t AS SELECT 1 AS a")
    )
    ran = 0
    with foreign_program(path) as foreign:
        for number, sql in enumerate(calls(path)):
            try:
                await store.reader(Limits(timeout_s=5)).query(sql, limit=3)
                ran += 1
            except MpError as error:
                assert error.hint, sql
            if number % 25 == 0:
                assert foreign.tries() == "locked", f"one of the 25 calls up to {sql}"
        assert foreign.tries() == "locked"
        assert ran > 500, "the calls are no calls any more"
        await files.close()
