"""The socket door, and whatever may come in: no crash, no hang, no internals, nobody disturbed."""

import json
import random
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.conftest import Street
from tests.fuzz.lengths import examples
from tests.fuzz.strangers import HELLO, SENTINEL, Stranger, call, line, request

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "fuzz", "version": "1"},
    },
}
SEEDS: tuple[dict[str, Any], ...] = (
    INITIALIZE,
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
    {"jsonrpc": "2.0", "id": 2, "method": "ping"},
    {"jsonrpc": "2.0", "id": 3, "result": {}},
    {"jsonrpc": "2.0", "id": 4, "method": "mp/status"},
    request(5, "server/discover"),
    request(6, "tools/list"),
    request(7, "resources/read", uri="file:///etc/passwd"),
    request(8, "prompts/get", name="x"),
    call(9, "query_sql", sql="SELECT 1", params={"a": 1}, limit=3),
    call(10, "inspect_schema", table="events"),
    call(11, "save_table", table="kept", sql="SELECT 1 AS n", replace=True),
    call(12, "drop_table", table=["kept"], confirm=True),
    call(13, "inspect_events"),
    call(14, "wait_job", job="job-1", timeout=0.01),
)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud83d", "", "0" * 5_000, "../x", "'; DROP TABLE x", 10**400, 2**63]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


@st.composite
def mutated_messages(draw: st.DrawFn) -> bytes:
    """A message in which values are replaced, lost and added, at any depth."""
    message = json.loads(json.dumps(draw(st.sampled_from(SEEDS))))
    for _ in range(draw(st.integers(1, 3))):
        _mutate(message, draw)
    return line(message)


def _mutate(message: dict[str, Any], draw: st.DrawFn) -> None:
    place: dict[str, Any] = message
    while True:
        if not place or draw(st.booleans()):
            place[draw(st.text(max_size=8))] = draw(json_values)
            return
        name = draw(st.sampled_from(sorted(place)))
        inner = place[name]
        if isinstance(inner, dict) and draw(st.booleans()):
            place = inner
        elif draw(st.booleans()):
            place[name] = draw(json_values)
            return
        else:
            del place[name]
            return


@st.composite
def mutated_bytes(draw: st.DrawFn) -> bytes:
    """A line in which bytes are changed, doubled and lost; its end may be one of them."""
    found = bytearray(line(draw(st.sampled_from(SEEDS))))
    chance = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(1, 8))):
        at = chance.randrange(len(found))
        found[at : at + chance.randrange(3)] = chance.choice(
            [
                b"",
                b"\n",
                b"\x00",
                b"\xff",
                b'"',
                b"{",
                b"}",
                b"\\",
                b"\xed\xa0\x80",
                b"NaN",
                b"1e999",
            ]
        )
        found = found or bytearray(b"\n")
    return bytes(found)


ODD_LINES = (
    b"\n",
    b"[" * 100_000 + b"\n",
    b'{"a":' * 100_000 + b"\n",
    b"[" * 50_000 + b"]" * 50_000 + b"\n",
    b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":1e999,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":' + b"9" * 5_000 + b',"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":"\\ud800","method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":"\xed\xa0\x80","method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}\n',
    b'{"jsonrpc":"2.0","id":{},"method":"ping"}\n',
    b'{"jsonrpc":"2.0","id":true,"method":"ping"}\n',
    b'{"jsonrpc":"2.0","method":"tools/call"}\n',
    b"\xef\xbb\xbf" + line({"jsonrpc": "2.0", "id": 1, "method": "ping"}),
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
    b"\r\n\r\n",
)

NOT_OURS = re.compile(rb"mp[/\\]")
"""What random changes could turn into a wish that is granted: `mp/stop`, a newer `mp/hello`."""

garbage = st.one_of(
    mutated_messages(),
    mutated_bytes(),
    st.sampled_from(ODD_LINES),
    st.binary(max_size=200).map(lambda found: found + b"\n"),
).filter(lambda found: not NOT_OURS.search(found) or b"mp/status" in found)


@examples(short=120, long=5_000)
@given(sent=st.lists(garbage, max_size=6), greets=st.booleans())
def test_after_any_lines_the_same_connection_and_all_others_are_answered(
    street: Street, sent: list[bytes], greets: bool
) -> None:
    with Stranger(street.home) as stranger:
        if greets:
            stranger.send(line(HELLO))
        stranger.send(b"".join(sent))
        # In case that the last line lost its end.
        stranger.send(b"\n" + line(call(SENTINEL, "query_sql", sql="SELECT 1")))
        heard = stranger.hear_all(SENTINEL)
        assert heard[-1]["id"] == SENTINEL, "hung up, instead of an answer"
        street.witness.ask()


@examples(short=60, long=3_000)
@given(
    sent=st.lists(garbage, max_size=3).map(b"".join) | st.binary(max_size=300),
    at=st.floats(0, 1),
    says_goodbye=st.booleans(),
)
def test_a_client_that_is_cut_anywhere_disturbs_nobody(
    street: Street, sent: bytes, at: float, says_goodbye: bool
) -> None:
    with Stranger(street.home) as stranger:
        stranger.send(sent[: int(at * len(sent))])
        street.witness.ask()
        if says_goodbye:
            stranger.hang_up()
            stranger.hear_all()
    street.witness.ask()


greetings = st.fixed_dictionaries(
    {},
    optional={
        "version": json_values.filter(lambda found: not re.search("[1-9]", str(found))),
        "label": json_values,
        "kind": json_values | st.sampled_from(["agent", "human"]),
        "asking": json_values
        | st.dictionaries(
            st.sampled_from(["account", "project_id", "region", "base_url", "lock_wait_s"]),
            json_values,
        ),
        "known": json_values,
    },
)


@examples(short=60, long=3_000)
@given(params=greetings | json_values.filter(lambda found: not isinstance(found, dict)))
def test_any_greeting_is_answered_or_refused(street: Street, params: Any) -> None:
    with Stranger(street.home) as stranger:
        stranger.send(line({**HELLO, "params": params}))
        stranger.send(line(call(SENTINEL, "query_sql", sql="SELECT 1")))
        heard = stranger.hear_all(SENTINEL)
        assert heard, "hung up without a word"
        was_let_in = "result" in heard[0]
        assert (heard[-1].get("id") == SENTINEL) or not was_let_in
    street.witness.ask()


front_requests = st.tuples(
    st.sampled_from(["mp/status", "mp/history", "mp/cancel", "mp/follow", "mp/unknown"]),
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("id", "limit", "after", "client", "tool", "since", "kind"), json_values
        ),
    ),
)


@examples(short=40, long=3_000)
@given(asked=st.lists(front_requests, max_size=5))
def test_anything_asked_in_the_way_of_mp_is_answered(
    street: Street, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    with Stranger(street.home) as stranger:
        stranger.send(line({**HELLO, "params": {**HELLO["params"], "kind": "human"}}))
        for number, (method, params) in enumerate(asked):
            about = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            stranger.send(line(about))
        stranger.send(line(call(SENTINEL, "query_sql", sql="SELECT 1")))
        assert stranger.hear_all(SENTINEL)[-1]["id"] == SENTINEL, "hung up, instead of an answer"
    street.witness.ask()
