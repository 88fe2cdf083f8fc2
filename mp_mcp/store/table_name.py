"""Names that tables of ours may have: SQL reads each of them without quotes.

Never looks into a file: whether a name is free is another question.
"""

import re

from mp_mcp.errors import UsageError
from mp_mcp.store.parser import tree_of


def check_table_name(name: str) -> str:
    """The name itself, when it can name a table. Raises: UsageError."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name, re.ASCII):
        raise UsageError(
            f"{name[:80]!r} cannot name a table.",
            hint="Use letters, digits and _, at most 63, not starting with a digit.",
        )
    if tree_of(f"FROM {name}") is None:
        raise UsageError(
            f"{name!r} cannot name a table: it is a word of SQL.",
            hint=f"Use another name, such as {name}_1: no query needs quotes for it.",
        )
    return name
