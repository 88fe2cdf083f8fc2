"""Lines of the wire, whatever texts they have to carry."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCResponse

from mp_mcp.server.lines import as_line, parsed

TEXTS = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def line_of(result: dict[str, Any]) -> bytes:
    return as_line(SessionMessage(JSONRPCResponse(jsonrpc="2.0", id=1, result=result)))


@given(st.dictionaries(TEXTS, VALUES, max_size=3))
def test_any_answer_is_one_line_of_valid_unicode(result: dict[str, Any]) -> None:
    line = line_of(result)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert set(json.loads(line.decode())) == {"jsonrpc", "id", "result"}


def test_half_an_emoji_is_replaced_and_whole_ones_stay() -> None:
    result = {"rows": [["cut \ud83d", "whole 😀", {"k\udc00": None}]]}
    assert json.loads(line_of(result))["result"] == {
        "rows": [["cut \ufffd", "whole 😀", {"k\ufffd": None}]]
    }


@pytest.mark.parametrize("text", ["plain", "Ünï 😀", "\\ud83d as text", "a\u2028b"])
def test_other_texts_are_untouched(text: str) -> None:
    assert json.loads(line_of({"text": text, "half": "\ud800"}))["result"]["text"] == text


@given(st.binary(max_size=40))
def test_any_line_is_a_message_or_the_answer_to_it(line: bytes) -> None:
    assert isinstance(parsed(line), SessionMessage | JSONRPCError)


@pytest.mark.parametrize("request_id", ["null", "1.5", "true", "[1]", "{}"])
def test_a_request_whose_id_is_none_is_refused_and_no_notification(request_id: str) -> None:
    found = parsed(f'{{"jsonrpc": "2.0", "id": {request_id}, "method": "ping"}}'.encode())
    assert isinstance(found, JSONRPCError)
    assert (found.id, found.error.code) == (None, -32600)
    assert found.error.message == "The id of a request is a text or a whole number."


def test_a_notification_may_say_id_in_its_params() -> None:
    line = b'{"jsonrpc": "2.0", "method": "x", "params": {"id": null}}'
    assert isinstance(parsed(line), SessionMessage)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', "Batches"),
        ('{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}', "params"),
        ('{"jsonrpc": "2.0", "id": 1, "method": 5}', "method"),
        ('{"jsonrpc": "1.0", "id": 1, "method": "ping"}', '"jsonrpc": "2.0"'),
        ('{"jsonrpc": "2.0", "id": 1}', "no request"),
        ("5", "object"),
        ("{", "not JSON"),
        ('{"jsonrpc": "2.0", "id": 1, "method": "\\ud83d"}', "Unicode"),
    ],
)
def test_the_answer_to_no_message_says_what_is_wrong_with_it(line: str, says: str) -> None:
    found = parsed(line.encode())
    assert isinstance(found, JSONRPCError)
    assert says in found.error.message
    assert ("emoji" in found.error.data["hint"]) == (says == "Unicode")
