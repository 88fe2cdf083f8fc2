"""Mixpanel's expression language, as far as we write it ourselves.

Never checks an expression: Mixpanel does, and its error says more than a guess.
"""

import json
import re
from collections.abc import Iterable

_ACCESSOR = re.compile(r"\b(?:properties|user|event)\[\s*[\"']")


def property_expression(text: str) -> str:
    """A bare property name as an expression (`plan` is `properties["plan"]`).

    Whatever reads a property, a user or an event already is an expression and stays as it is.
    """
    if _ACCESSOR.search(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'properties["{escaped}"]'


def json_list(values: Iterable[str]) -> str:
    """How Mixpanel takes several values in one parameter."""
    return json.dumps(list(values), ensure_ascii=False)
