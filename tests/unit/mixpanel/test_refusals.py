import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.errors import HistoryLimitError, MixpanelError, MpError
from mp_mcp.mixpanel.models import Credentials, Target
from mp_mcp.mixpanel.refusals import MAX_TEXT, failure_inside, history_days, refusal, retry_after

SECRET = "9f86d081884c7d659a2feaa0c55ad015"
TARGET = Target(Credentials("service_account", SECRET, "etl"), "42")

texts = st.text(max_size=400) | st.just(SECRET) | st.text().map(lambda text: text + SECRET)
answers = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "status", "request"]), inner)
    ),
    max_leaves=6,
)
bodies = st.binary(max_size=500) | answers.map(lambda answer: json.dumps(answer).encode())


@given(st.integers(300, 599), bodies, st.dictionaries(st.just("retry-after"), st.text()))
def test_every_refusal_is_one_short_line_without_secret(
    status: int, body: bytes, headers: dict[str, str]
) -> None:
    error = refusal(status, headers, body, TARGET)
    assert isinstance(error, MpError)
    assert SECRET not in f"{error.message} {error.hint}"
    assert len(error.message) <= MAX_TEXT + 150
    assert "\n" not in error.message


@given(answers)
def test_an_error_inside_a_success_never_shows_a_secret(answer: Any) -> None:
    error = failure_inside(answer, TARGET)
    assert error is None or SECRET not in error.message


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "no"},
        {"error": ["no", {"more": 1}]},
        {"error": ["no"], "plan": {"count": 1}},
        {"error": {"message": "no"}},
        {"error": {"code": 5}, "plan": {"count": 1}},
        {"error": {"count": 5}, "request": "/api/query/insights"},
        {"status": "error", "message": "no"},
        {"status": "error"},
    ],
)
def test_an_error_inside_a_success_is_a_failure(answer: Any) -> None:
    error = failure_inside(answer, TARGET)
    assert isinstance(error, MixpanelError)
    assert "no" in error.message


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ["error"],
        {"error": ""},
        {"error": None, "results": []},
        {"error": [], "results": []},
        {"error": {}, "results": []},
        {"error": {"count": 3}},
        {"error": {"count": 3}, "plan": {"count": 812}, "$duration_s": {}},
        {"error": {}, "plan": {"count": 812}},
        {"error": {"2025-01-01": {"first": 1, "counts": [1]}}, "$overall": {}},
    ],
)
def test_a_name_that_is_error_is_no_failure(answer: Any) -> None:
    assert failure_inside(answer, TARGET) is None


def test_a_list_of_errors_is_said_as_json() -> None:
    error = failure_inside({"error": ["one", 2]}, TARGET)
    assert '["one", 2]' in str(error)


@given(st.text() | st.floats().map(str) | st.integers().map(str))
def test_any_retry_after_is_a_wait_within_an_hour_or_none(value: str) -> None:
    seconds = retry_after({"retry-after": value})
    assert seconds is None or 0 <= seconds <= 3600


@pytest.mark.parametrize("days", [1, 90, 3650])
def test_a_history_limit_says_how_many_days_are_kept(days: int) -> None:
    body = json.dumps({"error": f"Date range exceeds {days} days into the past"}).encode()
    error = refusal(403, {}, body, TARGET)
    assert isinstance(error, HistoryLimitError)
    assert history_days(error) == days


@pytest.mark.parametrize("status", [302, 401])
def test_a_refusal_without_a_project_speaks_of_none(status: int) -> None:
    nowhere = Target(TARGET.credentials, "")
    for target, is_named in ((TARGET, True), (nowhere, False)):
        error = refusal(status, {}, b"", target)
        told = f"{error.message} {error.hint}"
        assert ("project 42" in told) is is_named
        assert "project  " not in told
        assert "project ." not in told
