"""Every property of every event can be read back by its name: with prop(), and from its column."""

import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import strategies as st

from mp_mcp.store import layout
from mp_mcp.store.exact import Kind, identifier
from tests.unit.store.loading import DAY, NOON, Loader, emptied, fresh_loader, same
from tests.unit.store.test_load_exact import (
    FIELDS,
    KEYS,
    NUMBERS,
    OTHERS,
    TEXTS,
    VALUES,
    Fields,
    for_all,
    numbered,
)

TWINS = ['"plan"', '"Plan"', '"PLAN"', '"plan_2"']


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


def sent_once(raw: str) -> dict[str, object]:
    """The properties of a line, but for keys that it has twice: nobody can say which counts."""
    pairs: list[tuple[str, object]] = json.loads(raw, object_pairs_hook=list)[1][1]
    keys = [key for key, _ in pairs]
    whole = json.loads(raw)["properties"]
    return {key: whole[key] for key in keys if keys.count(key) == 1}


def prop_of(key: str) -> str:
    name = key.replace("'", "''").replace("\0", "' || chr(0) || '")
    return f"prop('{name}')"


def check_readable(loader: Loader, lines: Sequence[str]) -> None:
    """Ask for each key by its name, and for each column."""
    rows = {row["n"]: row for row in map(sent_once, lines)}
    keys = sorted({key for row in rows.values() for key in row})
    columns = {prop.key: prop for prop in layout.properties_of(loader.cursor, "events")}
    shown = [key for key in keys if key in columns]
    sql = ", ".join(
        [*map(prop_of, ["n", *keys]), *(identifier(columns[key].view_name) for key in shown)]
    )
    for number, *found in loader.rows(f"SELECT {sql} FROM events"):
        row = rows[int(float(str(number)))]
        twice = {key for key, _ in _pairs(lines, row["n"])} - row.keys()
        for key, text in zip(keys, found, strict=False):
            if key not in twice:
                assert reads_as(text, row.get(key)), (key, text, row.get(key))
        for key, value in zip(shown, found[len(keys) :], strict=True):
            if key not in twice and value is not None:
                assert shows(columns[key].kind, value, row.get(key)), (key, value, row.get(key))


def _pairs(lines: Sequence[str], number: object) -> list[tuple[str, object]]:
    found = (json.loads(raw, object_pairs_hook=list)[1][1] for raw in lines)
    return next(pairs for pairs in found if ("n", number) in pairs)


def reads_as(text: object, value: object) -> bool:
    """Whether prop() says what was sent: a text as it is, else JSON, NULL where nothing is."""
    if value is None or isinstance(value, str):
        return text == value
    return text is not None and same(json.loads(str(text)), value)


def shows(kind: Kind, found: object, value: object) -> bool:
    """Whether a column, where it is not NULL, says what was sent."""
    match kind:
        case Kind.TEXT:
            return reads_as(found, value)
        case Kind.NESTED:
            return same(json.loads(str(found)), value)
        case _:
            return same(found, value)


def test_every_key_is_read_back_by_its_name(loader: Loader) -> None:
    @for_all(st.lists(FIELDS, min_size=1, max_size=6))
    def check(rows: list[Fields]) -> None:
        lines = [numbered(fields, number) for number, fields in enumerate(rows)]
        with emptied(loader):
            loader.load(lines)
            check_readable(loader, lines)


def test_every_key_is_read_back_after_loads_that_know_it_differently(loader: Loader) -> None:
    fields = st.lists(st.tuples(st.sampled_from([*TWINS, *KEYS[:12]]), VALUES), max_size=5)

    @for_all(st.lists(st.lists(fields, min_size=1, max_size=4), min_size=2, max_size=4))
    def check(loads: list[list[Fields]]) -> None:
        lines: list[str] = []
        with emptied(loader):
            for at, rows in enumerate(loads):
                some = [
                    numbered(fields, 100 * at + number, NOON + at * DAY)
                    for number, fields in enumerate(rows)
                ]
                loader.load(some)
                lines += some
                check_readable(loader, lines)


@pytest.mark.parametrize("usual", ["7", '"on"', "true", '{"a":1}', "1152921504606846977"])
@pytest.mark.parametrize("before", [True, False], ids=["known before", "rare before"])
def test_a_key_that_becomes_another_type_is_read_back_in_all_of_them(
    loader: Loader, usual: str, before: bool
) -> None:
    odd = [*NUMBERS, *TEXTS, *OTHERS]
    usuals = [numbered([('"x"', usual), ('"X"', usual)], at) for at in range(60)]
    odds = [
        numbered([('"X"', value), *([('"x"', value)] * (at % 2))], 100 + at, NOON + DAY)
        for at, value in enumerate(odd)
    ]
    with emptied(loader):
        for some in (usuals, odds) if before else (odds, usuals):
            loader.load(some)
        check_readable(loader, [*usuals, *odds])
