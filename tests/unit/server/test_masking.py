"""Secrets do not leave the process in what is shown of a call; everything else stays exact."""

from typing import Any

import pytest

from mp_mcp.server.masking import LONGEST_TEXT, masked

SECRET = "s3cret-value"


@pytest.mark.parametrize(
    "value",
    [
        f"SELECT '{SECRET}'",
        {"sql": f"-- {SECRET}\nSELECT 1"},
        {"params": {"deep": [{"x": [SECRET]}]}},
        {SECRET: 1},
    ],
)
def test_a_known_secret_is_found_wherever_it_stands(value: Any) -> None:
    assert SECRET not in str(masked(value, [SECRET]))
    assert "***" in str(masked(value, [SECRET]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Authorization: Basic dXNlcjpwYXNzd29yZDEyMw==", "Authorization: Basic ***"),
        ("bearer abcdefghijklmnop123456", "bearer ***"),
        ("https://user:passw0rd@example.com/x", "https://***@example.com/x"),
        ("api_secret = 'a1b2c3d4e5'", "api_secret = '***'"),
        ('{"oauth_token": "a1b2c3d4e5"}', '{"oauth_token": "***"}'),
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str, shown: str) -> None:
    assert masked(text, []) == shown


@pytest.mark.parametrize("name", ["secret", "API_KEY", "password", "oauth_token", "Authorization"])
def test_a_value_under_a_secret_name_is_hidden(name: str) -> None:
    assert masked({name: "whatever"}, []) == {name: "***"}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM events WHERE plan = 'Basic subscription' AND x = 'basic'",
        "SELECT 'bearer of good news, really', token FROM events WHERE token = 'abcdef123456'",
        "SELECT ':', '@', \"$current_url\" FROM events WHERE url LIKE 'https://example.com:80/%'",
        "SELECT secrets, count(*) FROM events WHERE event = 'Secret found' GROUP BY ALL",
    ],
)
def test_sql_without_secrets_stays_as_it_is(sql: str) -> None:
    arguments = {"sql": sql, "limit": 5, "params": {"plan": None, "n": [1.5, True]}}
    assert masked(arguments, [None, "", "short"]) == arguments


@pytest.mark.parametrize("odd", ["a.", "a:", "secret", "basic ", "://", "x" * 50 + " "])
def test_odd_words_make_no_long_search(odd: str) -> None:
    text = odd * (LONGEST_TEXT // len(odd))
    assert masked(text, [SECRET]) == text


def test_a_long_text_is_cut_and_no_secret_is_divided() -> None:
    text = "x" * (LONGEST_TEXT - 3) + SECRET + " y" * 500_000
    found = masked(text, [SECRET])
    assert found.endswith("x***… [cut: 1050000 characters]".replace("1050000", str(len(text) - 9)))
    assert "s3c" not in found
