from typing import Any

import pytest

from mp_mcp.demo.expressions import UNDEFINED, ExpressionError, Subject, compile_expression

SUBJECT = Subject(
    properties={
        "plan": "team",
        "amount": 12.5,
        "count": 7,
        "trial": False,
        "tags": ["a", "b"],
        "nothing": None,
        "digits": "00123",
        "email": "ana@example.org",
        "seen": "2025-01-05T10:00:00",
        'a "quoted" \\ name': 1,
    },
    event={"$time": 1735732800, "$event_name": "Login", "$distinct_id": "u-1"},
    user={"city": "Porto"},
    behaviors={"b1": 2},
    now=1735819200.0,
)


def value_of(text: str) -> Any:
    return compile_expression(text)(SUBJECT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Accessors and literals.
        ('properties["plan"]', "team"),
        ('properties["missing"]', UNDEFINED),
        ('properties["nothing"]', None),
        ('user["city"]', "Porto"),
        ('event["$event_name"]', "Login"),
        ('event["$distinct_id"] == "u-1"', True),
        (r'properties["a \"quoted\" \\ name"]', 1),
        ("true", True),
        ("1.5e1", 15.0),
        # Equality is always boolean, and types matter.
        ('properties["plan"] == "team"', True),
        ('properties["missing"] == "team"', False),
        ('properties["missing"] != "team"', True),
        ('properties["digits"] == 123', False),
        ('properties["trial"] == 0', False),
        ("5 == 5.0", True),
        # Order is for numbers, else undefined; ISO dates compare as text.
        ('properties["amount"] > 12', True),
        ('properties["plan"] > 12', UNDEFINED),
        ('properties["plan"] < "zzz"', UNDEFINED),
        ('properties["missing"] >= 1', UNDEFINED),
        ('properties["seen"] >= "2025-01-01T00:00:00"', True),
        # Arithmetic.
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ('"a" + "b"', "ab"),
        ('"a" + 1', UNDEFINED),
        ("10 / 4", 2.5),
        ("10 / 0", UNDEFINED),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ('-properties["plan"]', UNDEFINED),
        # Membership.
        ('"@example" in properties["email"]', True),
        ('properties["plan"] in ["pro", "team"]', True),
        ('properties["plan"] in []', False),
        ('properties["count"] in [-1, 7.0]', True),
        ('"a" in properties["tags"]', True),
        ('"a" in properties["missing"]', UNDEFINED),
        # Logic: undefined is false.
        ('properties["plan"] == "team" and properties["amount"] > 1', True),
        ('properties["missing"] > 1 or true', True),
        ('true and properties["missing"] > 1', False),
        ('not properties["missing"] > 1', True),
        ("not false and false", False),
        ("true OR false AND false", True),
        # Functions.
        ('floor(properties["amount"])', 12),
        ('ceil(properties["amount"])', 13),
        ('round(properties["amount"])', 13),
        ('number(properties["digits"])', 123),
        ('number(properties["plan"])', UNDEFINED),
        ('string(properties["count"])', "7"),
        ('string(properties["missing"], "undefined")', "undefined"),
        ('boolean(properties["count"])', True),
        ('boolean(properties["missing"])', False),
        ('defined(properties["plan"])', True),
        ('not defined(properties["missing"])', True),
        # Times.
        ('datetime("2025-01-01T12:00:00")', 1735732800.0),
        ('event["$time"] >= datetime("2025-01-01T00:00:00")', True),
        ('properties["$time"] >= datetime(1735732800)', True),
        ('event["$time"] >= datetime(NOW - 86400)', True),
        ('datetime(properties["plan"])', UNDEFINED),
        # Lists and behaviors.
        ('any(X, properties["tags"], X == "a")', True),
        ('any(X, properties["tags"], X == "z")', False),
        ('any(X, properties["missing"], X == "z")', UNDEFINED),
        ('(behaviors["b1"] > 0)', True),
    ],
)
def test_the_language_means(text: str, expected: Any) -> None:
    value = value_of(text)
    assert value == expected
    assert isinstance(value, bool) == isinstance(expected, bool)


@pytest.mark.parametrize(
    "text",
    [
        "plan",
        'plan == "team"',
        'properties[plan] == "team"',
        "properties['plan'] == \"team\"",
        'properties["plan"] = "team"',
        'properties["plan"] contains "te"',
        'event["$other"]',
        "(1 + 2",
        "1 +",
        "",
        'upper(properties["plan"])',
        'floor(properties["amount"], 1)',
        "[1, 2 + 3]",
        '"open',
        "null",
        "1; 2",
        "not",
        "(" * 5000,
    ],
)
def test_what_is_not_in_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_expression(text)


@pytest.mark.parametrize("text", ['properties["plan"] and true', "true and 1", 'not "x"', "1 or 2"])
def test_logic_on_other_types_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        value_of(text)


def test_a_bare_name_is_an_unknown_variable() -> None:
    with pytest.raises(ExpressionError, match="unknown variable"):
        compile_expression("plan")
