import gzip
import json
from typing import Any

import httpx
import pytest

from mp_mcp.demo.events import line_of
from mp_mcp.demo.segments import gzip_stream
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import STORY, Ask

DAY = {"from_date": "2025-03-30", "to_date": "2025-03-31"}


def _lines(answer: httpx.Response) -> list[bytes]:
    assert answer.status_code == 200, answer.text
    assert answer.content == b"" or answer.content.endswith(b"\n")
    return answer.content.split(b"\n")[:-1]


def _events(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in _lines(answer)]


def _expected(world: World, late: bool = False) -> list[bytes]:
    history = world.projects["1001"].history
    return sorted(
        line_of(row).rstrip(b"\n")
        for day in STORY.days_between(STORY.first_day, STORY.last_day)
        for row in history.exported(day, late=late)
    )


def test_the_export_is_every_row_with_its_duplicates(export: Ask, world: World) -> None:
    answer = export()
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Content-Length" not in answer.headers
    assert sorted(_lines(answer)) == _expected(world)


def test_late_events_are_exported_when_they_have_arrived(export: Ask, world: World) -> None:
    before = _lines(export())
    world.switches.turn({"late": True})
    after = _lines(export())
    assert len(after) > len(before)
    assert sorted(after) == _expected(world, late=True)


@pytest.mark.parametrize("filters", [{}, {"where": "true"}])
def test_large_bodies_are_gzipped_when_that_is_accepted(
    export: Ask, filters: dict[str, str]
) -> None:
    packed = export({"Accept-Encoding": "gzip"}, **filters)
    plain = export({"Accept-Encoding": "identity"}, **filters)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.content == plain.content


def test_the_stream_is_one_valid_gzip_file(world: World) -> None:
    files = world.projects["1001"].day_files
    segments = files.segments(STORY.last_day, late=True)
    text = gzip.decompress(b"".join(gzip_stream(segments)))
    assert text.count(b"\n") == sum(one.lines for one in segments)


def test_small_bodies_are_never_gzipped(export: Ask) -> None:
    answer = export({"Accept-Encoding": "gzip"}, limit=1)
    assert "Content-Encoding" not in answer.headers
    assert len(_lines(answer)) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"from_date": str(STORY.empty_day), "to_date": str(STORY.empty_day)},
        {"from_date": "2020-01-01", "to_date": "2020-02-01"},
        {"event": '["Nope"]'},
        {"where": 'properties["nope"] == 1'},
    ],
)
def test_no_events_are_an_empty_body(export: Ask, asked: dict[str, str]) -> None:
    answer = export({"Accept-Encoding": "gzip"}, **asked)
    assert (answer.status_code, answer.content) == (200, b"")


def test_events_are_filtered_by_a_json_array_of_names(export: Ask) -> None:
    found = _events(export(event='["Signup", "Suporte: Olá 👋"]'))
    assert {row["event"] for row in found} == {"Signup", "Suporte: Olá 👋"}
    whole = _events(export())
    assert len(found) == sum(row["event"] in ("Signup", "Suporte: Olá 👋") for row in whole)


def test_where_reaches_properties_users_and_the_event(export: Ask) -> None:
    where = 'user["$country_code"] == "BR" and event["$time"] >= datetime("2025-03-31T00:00:00")'
    found = _events(export(where=where, **DAY))
    assert found
    expected = [
        row
        for row in _events(export(from_date="2025-03-31", to_date="2025-03-31"))
        if row["properties"]["mp_country_code"] == "BR"
    ]
    assert found == expected


def test_time_is_in_seconds_unless_milliseconds_are_asked(export: Ask) -> None:
    seconds = _events(export(**DAY))
    millis = _events(export(time_in_ms="true", **DAY))
    assert len(seconds) == len(millis)
    for one, other in zip(seconds, millis, strict=True):
        assert one["properties"]["time"] == other["properties"].pop("time") // 1000
        del one["properties"]["time"]
        assert one == other


def test_a_limit_cuts_the_export(export: Ask) -> None:
    assert len(_lines(export(limit=7))) == 7
    assert export(limit=100_001).status_code == 400


def test_to_date_cannot_be_in_the_future(export: Ask) -> None:
    assert export(to_date=str(STORY.today)).status_code == 200
    answer = export(to_date="2025-04-02")
    assert answer.status_code == 400
    assert answer.json()["error"] == "to_date cannot be later than today"


@pytest.mark.parametrize(
    "asked",
    [
        {"from_date": ""},
        {"to_date": "31/03/2025"},
        {"from_date": "1999-01-01"},
        {"event": "Signup"},
        {"event": '"Signup"'},
        {"event": "[1]"},
        {"time_in_ms": "yes"},
        {"limit": "many"},
    ],
)
def test_bad_parameters_are_a_bad_request(export: Ask, asked: dict[str, str]) -> None:
    answer = export(**asked)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("where", ["plan", 'properties["plan"', 'properties["plan"] and true'])
def test_bad_expressions_are_a_plain_text_bad_request(export: Ask, where: str) -> None:
    answer = export(where=where)
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert not answer.text.startswith("{")


def test_an_expression_that_fails_on_a_later_row_ends_in_an_error_line(
    export: Ask,
) -> None:
    # The property is missing on the first days; then it is a string, which `and` cannot take.
    where = 'properties["experiment"] and true or true'
    answer = export(where=where)
    assert answer.status_code == 200
    assert json.loads(_lines(answer)[-1]) == {"error": "An unknown error occurred."}


def test_the_export_has_no_pages_and_no_other_method(ask: Ask) -> None:
    answer = ask("POST", "/api/2.0/export", params={"project_id": "1001", **DAY})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


OTHER = ("other.svc", "other-secret")


def _of_other_project(ask: Ask, **days: str) -> list[dict[str, Any]]:
    asked = {"project_id": "2002", "time_in_ms": "true", **days}
    return _events(ask("GET", "/api/2.0/export", auth=OTHER, params=asked))


def test_an_old_project_exports_its_own_days_with_shifted_epochs(ask: Ask, world: World) -> None:
    wide = _of_other_project(ask, from_date="2025-03-29", to_date="2025-03-31")
    world.switches.turn({"shifted_time": True})
    shifted = _of_other_project(ask, from_date="2025-03-30", to_date="2025-03-30")
    # 2025-03-30T00:00:00Z, to which the clock on São Paulo's walls is three hours late.
    midnight, hour, day = 1_743_292_800_000, 3_600_000, 86_400_000
    times = sorted(row["properties"]["time"] for row in shifted)
    assert all(midnight <= one < midnight + day for one in times)
    true_times = (row["properties"]["time"] for row in wide)
    local = (one - 3 * hour for one in true_times)
    assert times == sorted(one for one in local if midnight <= one < midnight + day)


def test_a_project_in_utc_has_nothing_to_shift(export: Ask, world: World) -> None:
    before = export(**DAY).content
    world.switches.turn({"shifted_time": True})
    assert export(**DAY).content == before
