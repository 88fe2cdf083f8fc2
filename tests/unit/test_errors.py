import pytest

from mp_mcp import errors
from mp_mcp.error_codes import exit_code_of
from mp_mcp.errors import ErrorInfo, ExitCode, MpError, RateLimitedError


def every_error() -> list[type[MpError]]:
    return [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, MpError)
    ]


@pytest.mark.parametrize("error", every_error())
def test_the_exit_code_can_be_found_by_the_code(error: type[MpError]) -> None:
    assert exit_code_of(error.code) is error.exit_code


def test_codes_are_unique() -> None:
    codes = [error.code for error in every_error()]
    assert len(set(codes)) == len(codes)


def test_an_unknown_code_is_unexpected() -> None:
    assert exit_code_of("of a newer server") is ExitCode.UNEXPECTED


def test_an_error_says_outside_what_it_says_inside() -> None:
    error = RateLimitedError("The hour is spent.", hint="Use query_sql.", retry_after=12.5)
    assert error.info() == ErrorInfo(
        "rate_limited", "The hour is spent.", "Use query_sql.", True, 12.5
    )
    assert str(error) == "The hour is spent."


def test_what_an_error_does_not_say_is_left_out() -> None:
    found = MpError("It broke.").info().as_dict()
    assert found == {"code": "unexpected", "message": "It broke.", "retryable": False}


def test_retrying_helps_exactly_where_the_world_may_change_by_itself() -> None:
    assert {error.code for error in every_error() if error.retryable} == {
        "rate_limited",
        "incomplete_export",
        "mixpanel_unavailable",
        "queue_full",
        "database_locked",
        "server_unreachable",
    }
