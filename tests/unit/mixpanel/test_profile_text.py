"""A page of profiles is cut into its profiles; what they say stays the text that was sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.mixpanel.profile_text import Profile, page_of

NUMBERS = ["1.0", "1", "-0", "1152921504606846977", "0.1000000000000000055511151231257827", "1e400"]


@pytest.mark.parametrize("number", [*NUMBERS, "NaN", "-Infinity", "1" * 5000])
def test_a_number_keeps_every_digit(number: str) -> None:
    raw = f'{{"results":[{{"$distinct_id":"a","$properties":{{"n":{number}}}}}]}}'
    assert page_of(raw.encode())["results"] == [("a", f'{{"n":{number}}}')]


def test_white_space_and_unknown_fields_are_of_no_consequence() -> None:
    raw = """ { "status" : "ok",\r
      "results" : [ { "x": [1, {"$distinct_id": 2}], "$properties" : {\n"a" : "b\\nc" } ,
                      "$distinct_id" : 17 } , {"$distinct_id":"z"} ] , "total" : 2 } \n"""
    answer = page_of(raw.encode())
    assert answer["results"][0].distinct_id == "17"
    assert json.loads(answer["results"][0].properties) == {"a": "b\nc"}
    assert len(answer["results"][0].properties.splitlines()) == 1
    assert answer["results"][1] == Profile("z", "{}")
    assert (answer["status"], answer["total"]) == ("ok", "2")


def test_an_empty_page_and_an_answer_that_is_no_page_are_read() -> None:
    assert page_of(b'{"results": [ ], "total": 0}') == {"results": [], "total": "0"}
    assert page_of(b"{}") == {}
    assert page_of(b' ["a"] ') == ["a"]


@pytest.mark.parametrize(
    "raw",
    [
        *("", "{", "{]", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "{1:2}", '{"a":1} x'),
        *('{"results":[', '{"results":[{}', '{"results":[{},]}', '{"results":[{} {}]}'),
        *('{"results":[{"$distinct_id":"a","$properties":{"b":}}]}', '{"results":["a\nb"]}'),
    ],
)
def test_what_is_no_json_is_an_error(raw: str) -> None:
    with pytest.raises(ValueError, match=r"line \d"):
        page_of(raw.encode())


def test_bytes_that_are_no_text_are_replaced() -> None:
    raw = b'{"results":[{"$distinct_id":"a\xff","$properties":{"b":"\xe9"}}]}'
    assert page_of(raw)["results"] == [("a\ufffd", '{"b":"\ufffd"}')]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(
        st.tuples(st.text() | st.integers(), st.dictionaries(st.text(), values, max_size=4)),
        max_size=5,
    ),
    st.booleans(),
    st.sampled_from([None, 1]),
)
def test_every_profile_is_found(
    sent: list[tuple[str | int, dict[str, object]]], ascii_only: bool, indent: int | None
) -> None:
    results = [{"$distinct_id": one, "$properties": properties} for one, properties in sent]
    raw = json.dumps({"results": results}, ensure_ascii=ascii_only, indent=indent)
    found = page_of(raw.encode())["results"]
    assert [(one.distinct_id, json.loads(one.properties)) for one in found] == [
        (str(one), properties) for one, properties in sent
    ]
