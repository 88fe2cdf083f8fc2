"""The `$name` places of a query and the values for them.

Never writes a value into the SQL: duckdb binds it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mp_mcp.errors import QueryError
from mp_mcp.wording import closest


def bound(wanted: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values for the places of a query. Raises: QueryError that names what does not fit."""
    # DuckDB's names ignore case.
    names = {name.casefold(): name for name in wanted}
    values = {name.casefold(): name for name in given}
    missing = [name for folded, name in names.items() if folded not in values]
    unused = [name for folded, name in values.items() if folded not in names]
    if missing:
        raise _missing(sorted(missing), unused)
    if unused:
        raise QueryError(
            f"The SQL has no place for the parameter {', '.join(sorted(unused))}.",
            hint=f"Write ${unused[0]} where the value belongs (without quotes), or leave it out.",
        )
    return dict(given)


def _missing(missing: list[str], unused: list[str]) -> QueryError:
    first = missing[0]
    if first.isdigit():
        return QueryError(
            "The SQL has a ? that no value was given for.",
            hint='Name the places: WHERE plan = $plan, with params {"plan": "pro"}.',
        )
    close = closest(first, unused)
    meant = f"A parameter is named {close[0]}. " if close else ""
    return QueryError(
        f"No value was given for {', '.join(f'${name}' for name in missing)}.",
        hint=f'{meant}Pass it in params, e.g. {{"{first}": "a value"}}. If the property '
        f'${first} is meant, write "${first}" in double quotes.',
    )
