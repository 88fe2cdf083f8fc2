"""What `RateLimit` headers and the words of a refusal say about a budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mp_mcp.mixpanel.rate_headers import Stated, stated

POLICY = '"project";q=60;w=3600, "project-concurrency";q=5;qu="concurrent-requests"'


def test_a_spent_hour_is_read() -> None:
    state = '"project";r=0;t=1830, "project-concurrency";r=3'
    assert stated({"ratelimit-policy": POLICY, "ratelimit": state}) == Stated(60, 0, 1830, 5, 3)


def test_full_places_are_read() -> None:
    found = stated({"ratelimit": '"project";r=12, "project-concurrency";r=0;t=10'})
    assert found == Stated(None, 12, None, None, 0)


def test_a_policy_that_names_places_by_their_unit_is_read() -> None:
    policy = '"hour";q=400;w=3600, "slots";q=10;qu="concurrent-requests"'
    found = stated({"ratelimit-policy": policy, "ratelimit": '"slots";r=9, "hour";a=399'})
    assert found == Stated(400, 399, None, 10, 9)


def test_nothing_is_read_from_nothing() -> None:
    assert stated({}) == Stated()


@pytest.mark.parametrize(
    "text", ["", "60", '"project"', '"project";r=', '"project";r=-1', '"p";r=1e9', "project;r=0"]
)
def test_what_cannot_be_read_is_not_said(text: str) -> None:
    assert stated({"ratelimit": text, "ratelimit-policy": text}) == Stated()


@given(st.text(), st.text())
def test_no_header_breaks_it(policy: str, state: str) -> None:
    assert isinstance(stated({"ratelimit-policy": policy, "ratelimit": state}), Stated)
