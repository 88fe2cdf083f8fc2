"""`--jq FILTER`: what a filter makes of a result; the package is imported when it is wanted.

Never runs before the filter is known to be one: a typing error must not cost a query.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from mp_mcp.errors import UsageError

INSTALL = "python -m pip install 'mp-mcp[jq]'"

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
            return list(program.input_text(json.dumps(result)).all())
        except ValueError as error:
            raise _refused(text, error) from error

    return outputs


def _refused(text: str, error: ValueError) -> UsageError:
    reason = " ".join(str(error).split()).removeprefix("jq: error: ").rstrip(".")
    return UsageError(
        f"The filter {text} does not work: {reason}.",
        hint="It is applied to what --format json prints: try .rows, or .rows[] | .[0].",
    )
