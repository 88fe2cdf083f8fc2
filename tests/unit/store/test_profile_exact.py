"""What Mixpanel says of a profile comes back as the same JSON values, however hostile it is."""

import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import strategies as st

from tests.unit.store.loading import Loader, emptied, fresh_loader, same
from tests.unit.store.profile_loading import counts, load, load_pages, stored
from tests.unit.store.test_load_exact import (
    FIELDS,
    GENERATED,
    KEYS,
    NUMBERS,
    OTHERS,
    TEXTS,
    Fields,
    for_all,
)

OWN_KEYS = ['"time"', '"distinct_id"', '"$insert_id"', '"$distinct_id"', '"mp_processing_time_ms"']
OWN_FIELDS = st.lists(
    st.tuples(st.sampled_from(OWN_KEYS), st.sampled_from(NUMBERS + TEXTS + OTHERS)), max_size=4
)


@pytest.fixture(scope="module")
def loader() -> Iterator[Loader]:
    with fresh_loader() as loader:
        yield loader


def raw(fields: Sequence[tuple[str, str]], number: int) -> str:
    """A profile whose properties are these raw pieces of JSON."""
    pieces = ",".join(f"{key} : {value}" for key, value in fields)
    return f'{{"$distinct_id":"u-{number}","$properties":{{{pieces}}}}}'


def check_exact(loader: Loader, sent: Sequence[str]) -> None:
    found = stored(loader)
    assert len(found) == len(sent)
    for text in sent:
        entry = json.loads(text)
        assert same(found[entry["$distinct_id"]], entry["$properties"])


def check_prop(loader: Loader, key: str) -> None:
    """prop() gives the same as the rebuilt object."""
    name = key.replace("'", "''").replace("\0", "' || chr(0) || '")
    path = name.replace("~", "~0").replace("/", "~1")
    wrong = loader.rows(
        f"SELECT properties FROM profiles WHERE prop('{name}')"
        f" IS DISTINCT FROM properties ->> ('/' || '{path}')"
    )
    assert wrong == []


def test_hostile_properties_come_back_equal(loader: Loader) -> None:
    @for_all(st.lists(st.tuples(FIELDS, OWN_FIELDS), min_size=1, max_size=8), st.sampled_from(KEYS))
    def check(rows: list[tuple[Fields, Fields]], key: str) -> None:
        sent = [raw(usual + own, number) for number, (usual, own) in enumerate(rows)]
        with emptied(loader):
            load_pages(loader, [",".join(sent)])
            check_exact(loader, sent)
            check_prop(loader, json.loads(key))


def test_properties_stay_equal_and_are_unchanged_however_they_drift(loader: Loader) -> None:
    @for_all(st.lists(FIELDS, min_size=1, max_size=4), st.lists(FIELDS, min_size=1, max_size=4))
    def check(first: list[Fields], second: list[Fields]) -> None:
        here = [raw(fields, number) for number, fields in enumerate(first)]
        both = [*here, *(raw(fields, number) for number, fields in enumerate(second, 100))]
        with emptied(loader):
            load_pages(loader, [",".join(here)])
            assert counts(load_pages(loader, [",".join(both)])) == (len(second), 0, 0, len(here))
            check_exact(loader, both)
            assert counts(load_pages(loader, [",".join(both)])) == (0, 0, 0, len(both))
            check_exact(loader, both)


def test_any_json_comes_back_equal(loader: Loader) -> None:
    @for_all(st.lists(GENERATED, min_size=1, max_size=6))
    def check(rows: list[dict[str, object]]) -> None:
        sent = {f"u-{number}": properties for number, properties in enumerate(rows)}
        with emptied(loader):
            load(loader, sent)
            found = stored(loader)
            assert found.keys() == sent.keys()
            assert all(same(found[one], sent[one]) for one in sent)


@pytest.mark.parametrize("usual", ['"on"', "7", "true", "[1]"])
def test_each_value_survives_and_is_unchanged_in_a_column_of_every_type(
    loader: Loader, usual: str
) -> None:
    values = [*([usual] * 100), *NUMBERS, *TEXTS, *OTHERS]
    sent = [raw([('"x"', value)], number) for number, value in enumerate(values)]
    with emptied(loader):
        load_pages(loader, [",".join(sent)])
        check_exact(loader, sent)
        assert counts(load_pages(loader, [",".join(sent)])) == (0, 0, 0, len(sent))


def test_a_last_digit_is_a_change(loader: Loader) -> None:
    for one, other in (("1152921504606846976", "1152921504606846977"), ("1", "true"), ("1", '"1"')):
        with emptied(loader):
            load_pages(loader, [raw([('"n"', one)], 1)])
            assert counts(load_pages(loader, [raw([('"n"', other)], 1)])) == (0, 1, 0, 0)
            check_exact(loader, [raw([('"n"', other)], 1)])


def test_another_order_of_properties_is_no_change(loader: Loader) -> None:
    rare = [('"a"', "1"), ('"b"', '"x"'), ('"c"', "[1]")]
    many = [raw([('"plan"', '"team"')], number) for number in range(100)]
    with emptied(loader):
        load_pages(loader, [",".join([*many, raw(rare, 100)])])
        again = load_pages(loader, [",".join([*many, raw(rare[::-1], 100)])])
        assert counts(again) == (0, 0, 0, 101)


def test_half_characters_and_huge_profiles_are_read(loader: Loader) -> None:
    with emptied(loader):
        sent = [raw([('"a"', '"\\ud800x"'), ('"n"', "1152921504606846977")], 1)]
        sent.append(raw([('"big"', '"' + "x" * 5_000_000 + '"')], 2))
        load_pages(loader, sent)
        found = stored(loader)
        assert found["u-1"] == {"a": "\ufffdx", "n": 1152921504606846977}
        assert found["u-2"] == {"big": "x" * 5_000_000}


def test_properties_named_like_fixed_columns_are_columns_of_the_view(loader: Loader) -> None:
    with emptied(loader):
        properties = {"time": 5, "event": "e", "day": "d", "distinct_id": "own", "$insert_id": [1]}
        load(loader, {"u-1": properties, "u-2": {"time": "soon"}})
        found = loader.rows(
            'SELECT distinct_id, time, event, day, distinct_id_2, "$insert_id",'
            " prop('time'), prop('distinct_id') FROM profiles ORDER BY 1"
        )
        assert found == [
            ("u-1", "5", "e", "d", "own", "[1]", "5", "own"),
            ("u-2", "soon", None, None, None, None, "soon", None),
        ]
