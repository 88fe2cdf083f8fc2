"""What Mixpanel sent comes back as the same JSON values, however hostile it is."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mp_mcp.store import layout, stage
from tests.unit.store.loading import (
    DAY,
    JAN_1,
    JAN_3,
    NOON,
    Loader,
    emptied,
    fresh_loader,
    line,
    same,
)

NUMBERS = [
    *("0", "-0", "5", "5.0"),
    *("-0.0", "1.10", "1E5", "1e22"),
    *("1e400", "-1e400", "5e-324", "0.1000000000000000055511151231257827"),
    *("9007199254740992", "9007199254740993", "1152921504606846976", "1152921504606846977"),
    *(
        "18446744073709551615",
        "18446744073709551616",
        "12345678901234567890123",
        "-9223372036854775809",
    ),
    *("100000000000000000000000000000000", "1735732800", "1735732800123", "1.7976931348623157e308"),
    *("123456789.123456789", "NaN", "Infinity", "-Infinity"),
]
TEXTS = [
    *('""', '"a"', '"12"', '"true"', '"null"', '"é😀"', '"\\u00e9\\ud83d\\ude00"', '"\\u0000"'),
    *('"\\\\"', '"\\""', '"\\\\\\""', '"\\/"', '"a\\nb\\u001f\u007f"', '"\u2028\u0085"', '"{}"'),
    *('" "', '"#"', '"[1]"', '"\\"\\""', '"-1"', '"1735732800"', '"it\'s"', '",\\"x\\":null"'),
    *(
        '"\\u0000a"',
        '"a\\\\"',
        '"' + "é" * 3000 + '"',
        '"' + "x" * 4000 + '\\""',
        '"\\ud800\\udc00"',
    ),
]
OTHERS = [
    *("true", "false", "null", "[]", "{}", '[1,"a",null,[true]]', '{"a":null,"a":1}'),
    *('{"b":{"c":[{"d":null}]}}', "[1.0, 2 , 3e1]", '{"time":1}', "[null]"),
]
KEYS = [
    *('"a"', '"A"', '"b"', '"B"', '"userName"', '"username"', '""', '" "', '"select"', '"a b"'),
    *('"distinct_id"', '"$insert_id"', '"mp_processing_time_ms"', '"MP_processing_time_ms"'),
    *('"Time"', '"event"', '"day"', '"properties"', '"_rest"', '"insert_id"', '"kept"', '"rest"'),
    *('"a/b"', '"a~b"', '"~1"', '"/"', '"$.a"', '"*"', '"a.b"', '"a\\"b"', '"it\'s"', '"\\\\"'),
    *('"\\u0000"', '"a\\u0000b"', '"\\u0061"', '"é"', '"É"', '"😀"', '"p1"', '"c0"', '"s"', '"j0"'),
    *(
        '"\\n"',
        '"' + "x" * 300 + '"',
        '"moved"',
        '"found"',
        '"v0"',
        '"size"',
        '"0"',
        '"%s"',
        '"{}"',
        '"İ"',
        '"ß"',
    ),
]
VALUES = st.sampled_from(NUMBERS + TEXTS + OTHERS) | st.sampled_from(['"on"', "7", "true"])
Fields = list[tuple[str, str]]
FIELDS = st.lists(st.tuples(st.sampled_from(KEYS), VALUES), max_size=9)
GENERATED = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=4),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=5,
    ),
    max_size=5,
)


EXAMPLES = 200 if os.environ.get("MP_TEST_CHAOS") else 15


def numbered(fields: Sequence[tuple[str, str]], number: int, time: int = NOON) -> str:
    """A line whose properties are these raw pieces of JSON; `n` says which it is."""
    pieces = [f'"time":{time}', *(f"{key} : {value}" for key, value in fields), f'"n":{number}']
    return '{"event":"Login","properties":{' + ",".join(pieces) + "}}"


def timed(fields: str) -> str:
    """With a time, if they have none."""
    return fields if '"time"' in fields else f'"time":{NOON},{fields}'


def sent(raw: str) -> dict[str, object]:
    properties: dict[str, object] = json.loads(raw)["properties"]
    return properties


def check_prop(loader: Loader, key: str) -> None:
    """prop() gives the same as the rebuilt object, from a column or from the rest."""
    name = key.replace("'", "''").replace("\0", "' || chr(0) || '")
    path = name.replace("~", "~0").replace("/", "~1")
    wrong = loader.rows(
        f"SELECT properties FROM events WHERE prop('{name}')"
        f" IS DISTINCT FROM properties ->> ('/' || '{path}')"
    )
    assert wrong == []


def for_all(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
    """Runs the decorated check at once, on many examples, within one fixture."""
    quick = settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    return lambda check: quick(given(*strategies)(check))()


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


def check_exact(loader: Loader, lines: Sequence[str]) -> None:
    """Rows with equal $insert_ids may be merged; what stays is exact."""
    wanted = {sent(raw)["n"]: sent(raw) for raw in lines}
    objects = loader.objects()
    assert len(objects) == len(lines) or any("$insert_id" in item for item in wanted.values())
    for item in objects:
        assert isinstance(item, dict)
        assert same(item, wanted[item["n"]])


def test_hostile_values_come_back_equal(loader: Loader) -> None:
    @for_all(st.lists(FIELDS, min_size=1, max_size=8), st.sampled_from(KEYS))
    def check(rows: list[Fields], key: str) -> None:
        lines = [numbered(fields, number) for number, fields in enumerate(rows)]
        with emptied(loader):
            loader.load(lines)
            check_exact(loader, lines)
            check_prop(loader, json.loads(key))


def test_any_json_comes_back_equal(loader: Loader) -> None:
    @for_all(st.lists(GENERATED, min_size=1, max_size=6))
    def check(rows: list[dict[str, object]]) -> None:
        lines = [line(**{**fields, "time": NOON, "n": at}) for at, fields in enumerate(rows)]
        with emptied(loader):
            loader.load(lines)
            check_exact(loader, lines)


def test_what_the_sample_did_not_show_comes_back_equal(
    loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "_SAMPLE", 1)

    @for_all(st.lists(FIELDS, min_size=2, max_size=8))
    def check(rows: list[Fields]) -> None:
        lines = [numbered(fields, number) for number, fields in enumerate(rows)]
        with emptied(loader):
            loader.load(lines)
            check_exact(loader, lines)


@pytest.mark.parametrize(
    "odd",
    [
        '"plan":"b","plan":"c"',
        '"rare":1,"rare":22',
        '"rare":1,"rare":1,"seats":"5"',
        '"rare":null,"rare":null,"plan":12',
        '"plan":null,"plan":"abcd"',
        '"seats":1e400,"rare":{"plan":null,"rare":1}',
        '"distinct_id":null,"$insert_id":null,"plan":true',
        '"distinct_id":7,"$insert_id":8,"new":"x","rare":1',
        '"distinct_id":{"a":1},"$insert_id":["x"],"seats":false',
        # Numbers look two bytes longer than they are where texts are expected.
        '"distinct_id":1,"plan":2,"city":3,"":""',
        '"distinct_id":1,"plan":2,"city":3,"z":9',
        '"distinct_id":1,"plan":2,"city":3,"plan":2',
        '"plan":"\\n\\u0001","city":12,"z":1',
        '"plan":"12","city":"true","distinct_id":"null","seats":"5"',
        '"time":"1735732800","plan":5',
        '"time":1735732800.5,"plan":null,"city":null',
    ],
)
@pytest.mark.parametrize("sample", [20, 2000])
def test_an_odd_row_among_usual_ones_comes_back_equal(
    loader: Loader, odd: str, sample: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "_SAMPLE", sample)
    usual = [
        '"distinct_id":"u","plan":"a","seats":5,"city":"Köln"',
        '"distinct_id":"u","seats":7,"rare":1',
    ]
    lines = [
        f'{{"event":"Login","properties":{{{timed(fields)},"n":{number}}}}}'
        for number, fields in enumerate([*usual * 30, odd, *usual])
    ]
    with emptied(loader):
        loader.load(lines)
        check_exact(loader, lines)
        kept = loader.values("SELECT kept FROM _mp.data_events WHERE kept > 0")
        assert len(kept) <= 1


def test_values_stay_equal_while_properties_drift(loader: Loader) -> None:
    @for_all(st.lists(st.lists(FIELDS, min_size=1, max_size=4), min_size=2, max_size=3))
    def check(loads: list[list[Fields]]) -> None:
        lines = [
            [
                numbered(fields, 100 * at + number, NOON + at * DAY)
                for number, fields in enumerate(rows)
            ]
            for at, rows in enumerate(loads)
        ]
        with emptied(loader):
            for some in lines:
                loader.load(some)
            check_exact(loader, [raw for some in lines for raw in some])


def test_loads_staged_at_once_meet_without_loss(loader: Loader) -> None:
    @for_all(st.lists(FIELDS, min_size=1, max_size=4), st.lists(FIELDS, min_size=1, max_size=4))
    def check(one: list[Fields], two: list[Fields]) -> None:
        first = [numbered(fields, number) for number, fields in enumerate(one)]
        second = [numbered(fields, 100 + number, NOON + DAY) for number, fields in enumerate(two)]
        with emptied(loader):
            staged = [loader.stage([loader.file(lines)]) for lines in (first, second)]
            for some in staged:
                loader.swap(some)
            check_exact(loader, first + second)


@pytest.mark.parametrize("usual", ['"on"', "7", "true", "[1]"])
def test_each_value_survives_in_a_column_of_every_type(loader: Loader, usual: str) -> None:
    values = [*([usual] * 100), *NUMBERS, *TEXTS, *OTHERS]
    lines = [numbered([('"x"', value)], number) for number, value in enumerate(values)]
    with emptied(loader):
        loader.load(lines)
        check_exact(loader, lines)


def test_a_long_integer_is_shown_without_rounding(loader: Loader) -> None:
    with emptied(loader):
        loader.load([line(account=1152921504606846977 + number) for number in range(3)])
        assert loader.values("SELECT account FROM events ORDER BY 1") == [
            "1152921504606846977",
            "1152921504606846978",
            "1152921504606846979",
        ]


def test_prop_of_a_rare_key_reads_the_rest_alone(loader: Loader) -> None:
    with emptied(loader):
        loader.load([line(plan="team"), line(plan="team", rare=1), *([line(plan="team")] * 198)])
        loader.load([line(plan="team", **{"later/~": "x"})])
        assert loader.values("SELECT sum(prop('rare')::INT) FROM events") == [1]
        assert loader.values("SELECT count(*) FROM events WHERE prop('later/~') = 'x'") == [1]
        assert loader.values("SELECT count(prop('plan')) FROM events") == [201]
        assert loader.values("SELECT count(prop('none')) FROM events") == [0]
        plan = str(loader.rows("EXPLAIN SELECT count(prop('rare')) FROM events"))
        assert "p1" not in plan
        assert "rest" in plan


def test_a_missing_key_and_an_explicit_null_stay_different(loader: Loader) -> None:
    with emptied(loader):
        loader.load([line(n=0, plan="a"), line(n=1, plan=None), line(n=2)])
        texts = loader.rows("SELECT n, plan, prop('plan'), properties FROM events ORDER BY n")
        assert [row[:3] for row in texts] == [(0.0, "a", "a"), (1.0, None, None), (2.0, None, None)]
        assert ['"plan":null' in str(row[3]) for row in texts] == [False, True, False]


def test_an_odd_value_is_null_in_its_column_and_noted(loader: Loader) -> None:
    with emptied(loader):
        loader.load([line(version=number) for number in range(5)])
        report = loader.load([line(time=NOON + DAY, version="130.1")], days=(JAN_1, JAN_3))
        assert report.new_columns == []
        assert loader.rows("SELECT version, prop('version') FROM events") == [(None, "130.1")]
        odd = [prop.key for prop in layout.properties_of(loader.cursor, "events") if prop.odd]
        assert odd == ["version"]
