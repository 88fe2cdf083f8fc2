"""Requests of megabytes: answered or refused in few words, while others are answered as ever."""

import json
from typing import Any

import pytest

from mp_mcp.server.lease import LONGEST_LINE
from tests.fuzz.conftest import Street
from tests.fuzz.strangers import HELLO, SENTINEL, Stranger, call, line, request


@pytest.mark.parametrize("size", [LONGEST_LINE - 1_000, LONGEST_LINE + 1, 3 * LONGEST_LINE])
@pytest.mark.parametrize("fill", [b"x", b"[", b" ", b"\xff", b'{"a":'])
def test_a_line_of_any_length_is_answered_or_refused(
    street: Street, fill: bytes, size: int
) -> None:
    with Stranger(street.home) as stranger:
        stranger.send(fill * (size // len(fill)))
        street.witness.ask()
        stranger.send(b"\n" + line(call(SENTINEL, "query_sql", sql="SELECT 1")))
        heard = stranger.hear_all(SENTINEL)
        if size < LONGEST_LINE:
            assert heard[-1]["id"] == SENTINEL
    street.witness.ask()


HUGE = "x" * (LONGEST_LINE - 2_000)


@pytest.mark.parametrize(
    "message",
    [
        call(1, HUGE),
        call(1, "query_sql", **{HUGE: 1}),
        call(1, "query_sql", sql=HUGE),
        call(1, "query_sql", **{f"argument {number}": 1 for number in range(50_000)}),
        call(1, "inspect_schema", table=HUGE),
        call(1, "inspect_jobs", job=HUGE),
        call(1, "drop_table", table=["t"] * 100_000, confirm=True),
        call(1, "query_event_counts", events=[1] * 100_000),
        request(1, HUGE),
        {**HELLO, "id": 1, "params": {"label": HUGE, "version": "0." * 500}},
    ],
    ids=str.split("tool argument sql arguments table job tables events method greeting"),
)
def test_a_request_of_any_size_is_answered_in_few_words(
    street: Street, message: dict[str, Any]
) -> None:
    with Stranger(street.home) as stranger:
        stranger.send(line(message))
        heard = stranger.hear_all(1)
        assert heard[-1]["id"] == 1
        if message["method"] == "tools/call":
            assert len(json.dumps(heard)) < 20_000
    street.witness.ask()
