"""The generated table of commands is what the tools say now."""

import json

from mp_mcp.front import generate


def test_the_command_table_is_current() -> None:
    stored = json.loads(generate.PATH.read_text(encoding="utf-8"))
    assert stored == generate.table(), "run: python -m mp_mcp.front.generate"


def test_generating_again_changes_nothing() -> None:
    assert generate.as_text() == generate.as_text()
    assert json.loads(generate.as_text()) == generate.table()


def test_every_command_and_parameter_is_explained() -> None:
    unexplained = [
        f"{name}.{parameter['name']}"
        for name, row in generate.table().items()
        for parameter in row["parameters"]
        if not parameter["help"]
    ]
    unexplained += [name for name, row in generate.table().items() if not row["short"]]
    assert unexplained == []
