"""SQL of a grammar against a real server: it lives, answers, says what is wrong, and is the same.

Never looks at the server's insides: what it says, what a second program sees, and its log.
"""

from collections.abc import Iterator

import pytest
from hypothesis import given

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.fuzz.lengths import examples
from tests.fuzz.sql_grammar import statements
from tests.processes.watched import Watched, under_attack

EXPECTED = {"not_read_only", "query", "table_missing", "query_timeout", "usage", "disk_full"}
LOOK_EVERY = 25


@pytest.fixture
def watched(home: Home, offline: dict[str, str]) -> Iterator[Watched]:
    with under_attack(home, offline) as found:
        yield found


def test_no_sql_ends_the_server_or_changes_anything(watched: Watched) -> None:
    pid = lease.server_info(watched.home)["pid"]
    sent = []

    @examples(60, 5000)
    @given(statements)
    def is_answered(sql: str) -> None:
        sent.append(sql)
        result = watched.answer(sql, timeout=2, limit=3)
        said = result["structuredContent"]
        if result["isError"]:
            assert said["code"] in EXPECTED, said
            assert said["hint"], said
            assert "\n" not in said["message"], said
        assert "Traceback" not in str(result), said
        assert "INTERNAL" not in str(said), said
        watched.is_ours(sql)
        if len(sent) % LOOK_EVERY == 0:
            watched.is_untouched(f"one of {sent[-LOOK_EVERY:]}")

    is_answered()
    watched.is_untouched(f"one of {sent[-LOOK_EVERY:]}")
    assert lease.server_info(watched.home)["pid"] == pid, "the server is another one"
    assert len(sent) >= 50
