"""What a query sees of an event table."""

import json
from collections.abc import Iterator

import pytest

from mp_mcp.errors import DatabaseCorruptError
from mp_mcp.store import layout, schema
from mp_mcp.store.exact import identifier, literal
from tests.unit.store.loading import DAY, NOON, Loader, fresh_loader, line

FIXED = ["event", "time", "distinct_id", "insert_id", "day"]


@pytest.fixture
def loader() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


def shown(loader: Loader) -> dict[str, str]:
    return {str(name): str(kind) for name, kind, *_ in loader.rows("DESCRIBE events")}


def test_every_property_is_a_column_of_its_own_type(loader: Loader) -> None:
    loader.load([line(**{"$city": "Porto", "seats": 2, "trial": True, "tags": ["a", None]})])
    columns = shown(loader)
    assert list(columns)[:5] == FIXED
    assert list(columns)[-2:] == ["properties", "_rest"]
    assert columns["$city"] == "VARCHAR"
    assert columns["seats"] == "DOUBLE"
    assert columns["trial"] == "BOOLEAN"
    assert columns["tags"] == columns["properties"] == "JSON"
    assert loader.rows('SELECT "$city", seats, trial, tags FROM events') == [
        ("Porto", 2.0, True, '["a",null]')
    ]


def test_a_rare_property_is_a_column_too(loader: Loader) -> None:
    rare: dict[str, object] = {"text": "x", "number": 1.5, "flag": False, "list": [1], "nil": None}
    loader.load([line(**rare), *([line(usual=1)] * 200)])
    moved = [prop.key for prop in layout.properties_of(loader.cursor, "events") if prop.column]
    assert moved == ["mp_processing_time_ms", "usual"]
    query = "SELECT text, number, flag, list, nil FROM events WHERE text IS NOT NULL"
    assert loader.rows(query) == [("x", 1.5, False, "[1]", None)]
    assert [shown(loader)[name] for name in rare] == [
        "VARCHAR",
        "DOUBLE",
        "BOOLEAN",
        "JSON",
        "VARCHAR",
    ]


def test_a_property_that_became_frequent_shows_its_older_values(loader: Loader) -> None:
    loader.load([line(n=0, late="old"), *([line(n=1)] * 200)])
    report = loader.load([line(time=NOON + DAY, n=2, late="new")])
    assert report.new_columns == []
    [late] = [p for p in layout.properties_of(loader.cursor, "events") if p.key == "late"]
    assert late.column is not None
    assert loader.values("SELECT late FROM events WHERE n <> 1 ORDER BY n") == ["old", "new"]
    assert loader.values("SELECT prop('late') FROM events WHERE n <> 1 ORDER BY n") == [
        "old",
        "new",
    ]


def test_a_text_column_shows_values_of_other_types_as_text(loader: Loader) -> None:
    loader.load([line(n=1, version="a"), line(n=2, version="b"), line(n=3, version=130)])
    assert loader.values("SELECT version FROM events ORDER BY n") == ["a", "b", "130"]


def test_a_text_column_shows_the_odd_value_of_a_row_that_is_kept_whole(loader: Loader) -> None:
    lines = [line(plan=f"p{n}") for n in range(30)]
    lines.append(f'{{"event":"E","properties":{{"time":{NOON},"plan":5,"b":1,"b":2}}}}')
    loader.load(lines)
    assert loader.values("SELECT plan FROM events WHERE event = 'E'") == ["5"]


def test_a_new_property_gets_a_column_and_old_rows_have_none(loader: Loader) -> None:
    loader.load([line(n=1)])
    assert loader.load([line(n=2, fresh="x")]).new_columns == ["fresh"]
    assert loader.values("SELECT fresh FROM events ORDER BY n") == [None, "x"]


def test_names_that_collide_get_a_suffix(loader: Loader) -> None:
    keys = ["userName", "username", "USERNAME", "event", "Day", "properties", "_rest", "insert_id"]
    loader.load([line(**{key: key for key in keys})])
    names = [name.casefold() for name in shown(loader)]
    assert len(set(names)) == len(names) == len(keys) + len(FIXED) + 3
    for prop in layout.properties_of(loader.cursor, "events"):
        if prop.key in keys:
            assert prop.view_name.startswith(prop.key)
            assert loader.values(f'SELECT "{prop.view_name}" FROM events') == [prop.key]


@pytest.mark.parametrize(
    "key", ["select", 'a"b', "it's", "a/b~c", "a.b", " ", "é", "$x", "*", "x" * 255, "time_2", "p1"]
)
def test_a_strange_name_is_a_column_and_a_prop(loader: Loader, key: str) -> None:
    loader.load([line(**{key: "v"})])
    assert loader.values(f"SELECT {identifier(key)} FROM events") == ["v"]
    assert loader.values(f"SELECT prop({literal(key)}) FROM events") == ["v"]


@pytest.mark.parametrize("key", ["", "a\0b", "\n", "x" * 256])
def test_a_name_that_no_column_can_have_is_still_a_prop(loader: Loader, key: str) -> None:
    loader.load([line(**{key: "v"})])
    assert list(shown(loader)) == [*FIXED, "mp_processing_time_ms", "properties", "_rest"]
    assert loader.cursor.execute("SELECT prop(?) FROM events", [key]).fetchall() == [("v",)]


def test_no_more_than_300_properties_are_columns_and_none_is_lost(loader: Loader) -> None:
    wide = {f"k{number}": number for number in range(700)}
    loader.load([line(n=0, often=1, **wide), line(n=1, often=1)])
    loader.load([line(time=NOON + DAY, n=2, k699="x", unseen="y")])
    assert len(shown(loader)) == len(FIXED) + 300 + 2
    assert "often" in shown(loader)
    objects = {item["n"]: item for item in loader.objects() if isinstance(item, dict)}
    assert objects[0.0] == {"time": NOON, "n": 0, "often": 1, **wide}
    assert loader.values("SELECT prop('k650') FROM events ORDER BY n") == ["650", None, None]
    assert loader.values("SELECT prop('k699') FROM events ORDER BY n") == ["699", None, "x"]
    assert loader.values("SELECT prop('unseen') FROM events ORDER BY n") == [None, None, "y"]


def test_prop_serves_tables_with_different_columns(loader: Loader) -> None:
    loader.load([line(plan="a"), *([line()] * 200)], "one")
    loader.load([line(plan="b")], "two")
    for table, value in (("one", "a"), ("two", "b")):
        query = f"SELECT prop('plan') FROM {table} WHERE prop('plan') IS NOT NULL"
        assert loader.values(query) == [value]


def test_an_event_without_properties_but_time_comes_back(loader: Loader) -> None:
    loader.load([line()])
    assert [json.dumps(item) for item in loader.objects()] == [json.dumps({"time": NOON})]


def test_a_newer_layout_is_refused(loader: Loader) -> None:
    assert schema.has_schema(loader.cursor)
    loader.cursor.execute("UPDATE _mp.meta SET value = '99'")
    with pytest.raises(DatabaseCorruptError, match="layout 99"):
        schema.ensure_schema(loader.cursor)


def test_preparing_twice_changes_nothing(loader: Loader) -> None:
    loader.load([line(n=1)])
    schema.ensure_schema(loader.cursor)
    assert loader.values("SELECT n FROM events") == [1.0]


def test_a_file_of_another_program_has_no_schema_yet(loader: Loader) -> None:
    loader.cursor.execute("DROP SCHEMA _mp CASCADE")
    assert not schema.has_schema(loader.cursor)
