import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.mixpanel.expressions import json_list, property_expression


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("plan", 'properties["plan"]'),
        ("$city", 'properties["$city"]'),
        ("two words", 'properties["two words"]'),
        ('say "hi"', 'properties["say \\"hi\\""]'),
        ("back\\slash", 'properties["back\\\\slash"]'),
        ("my_properties", 'properties["my_properties"]'),
        ("user[plan]", 'properties["user[plan]"]'),
        ("event[0]", 'properties["event[0]"]'),
    ],
)
def test_a_bare_property_name_becomes_an_expression(text: str, expression: str) -> None:
    assert property_expression(text) == expression


@pytest.mark.parametrize(
    "text",
    [
        'properties["plan"]',
        "user[ 'plan' ]",
        'number(properties["amount"])',
        'user["plan"]',
        'event["$time"] > 5',
    ],
)
def test_an_expression_stays_as_it_is(text: str) -> None:
    assert property_expression(text) == text


@given(st.text().filter(lambda text: "[" not in text))
def test_any_name_can_be_read_back_from_its_expression(name: str) -> None:
    quoted = property_expression(name).removeprefix('properties["').removesuffix('"]')
    assert re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) == name
    assert not re.search(r'(?<!\\)(?:\\\\)*"', quoted)


@given(st.lists(st.text()))
def test_lists_travel_as_json(values: list[str]) -> None:
    assert json.loads(json_list(values)) == values
