"""`--jq FILTER`: what a filter makes of a result; the package is imported when it is wanted.

Never runs before the filter is known to be one: a typing error must not cost a query. Never gives
jq a whole number that it would round: those beyond 2^53 are texts for the filter.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from mp_mcp.errors import UsageError

INSTALL = "python -m pip install 'mp-mcp[jq]'"

MOST_EXACT = 2**53
"""jq's numbers are doubles: of the whole numbers beyond it they hold only some."""

Filter = Callable[[Mapping[str, Any]], list[Any]]


def compiled(text: str) -> Filter:
    """The filter as a function of a result to its outputs. Raises: UsageError."""
    try:
        import jq  # type: ignore[import-not-found]
    except ImportError as error:
        raise UsageError(
            "--jq needs the package jq, which is not installed.", hint=f"Install it: {INSTALL}"
        ) from error
    try:
        program = jq.compile(text)
    except ValueError as error:
        raise _refused(text, error) from error

    def outputs(result: Mapping[str, Any]) -> list[Any]:
        try:
            return list(program.input_text(_exact(result)).all())
        except ValueError as error:
            raise _refused(text, error) from error

    return outputs


def _exact(result: Mapping[str, Any]) -> str:
    return json.dumps(json.loads(json.dumps(result), parse_int=_held))


def _held(digits: str) -> int | str:
    # The length first: thousands of digits are slow to read, and then refused by Python.
    is_short = len(digits) <= len(f"-{MOST_EXACT}")
    return int(digits) if is_short and abs(int(digits)) <= MOST_EXACT else digits


def _refused(text: str, error: ValueError) -> UsageError:
    reason = " ".join(str(error).split()).removeprefix("jq: error: ").rstrip(".")
    return UsageError(
        f"The filter {text} does not work: {reason}.",
        hint="It is applied to what --format json prints: try .rows, or .rows[] | .[0].",
    )
