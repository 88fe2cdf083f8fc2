import gzip
import json

import httpx
import pytest

from mp_mcp.demo.faults import Fault, read_fault
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import Ask

EXPORT = "/api/2.0/export"
DAY = {"from_date": "2025-03-31", "to_date": "2025-03-31"}


def _lines(answer: httpx.Response) -> list[bytes]:
    assert answer.status_code == 200
    return answer.content.split(b"\n")[:-1]


def test_a_fault_is_used_up(export: Ask, world: World) -> None:
    world.faults.append(Fault(EXPORT, "terminated_early", times=1))
    assert _lines(export(**DAY))[-1] == b"terminated early"
    assert _lines(export(**DAY))[-1] != b"terminated early"


def test_a_fault_may_meet_one_window_only(export: Ask, world: World) -> None:
    world.faults.append(Fault(EXPORT, "status", query={"from_date": "2025-03-30"}))
    assert export(**DAY).status_code == 200
    assert export(from_date="2025-03-30").status_code == 500


@pytest.mark.parametrize("text", ["terminated early", "export terminated early"])
def test_an_export_may_end_early(export: Ask, world: World, text: str) -> None:
    whole = _lines(export(**DAY))
    world.faults.append(Fault(EXPORT, "terminated_early", after=4, text=text))
    assert _lines(export(**DAY)) == [*whole[:4], text.encode()]


def test_the_trailer_may_be_the_only_line(export: Ask, world: World) -> None:
    world.faults.append(Fault(EXPORT, "terminated_early", after=0))
    assert _lines(export(**DAY)) == [b"terminated early"]


def test_an_export_may_end_in_an_error_line(export: Ask, world: World) -> None:
    world.faults.append(Fault(EXPORT, "error_json_line", after=4))
    lines = _lines(export(**DAY))
    assert len(lines) == 5
    assert set(json.loads(lines[-1])) == {"error"}


def test_a_line_may_be_garbage(export: Ask, world: World) -> None:
    whole = _lines(export(**DAY))
    world.faults.append(Fault(EXPORT, "malformed_line", after=2))
    lines = _lines(export(**DAY))
    assert lines[:2] + lines[3:] == whole
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(lines[2])


def test_a_record_may_be_split_over_lines(export: Ask, world: World) -> None:
    whole = _lines(export(**DAY))
    world.faults.append(Fault(EXPORT, "split_line", after=2, count=3))
    lines = _lines(export(**DAY))
    assert len(lines) == len(whole) + 2
    assert b"".join(lines[2:5]) == whole[2]


def test_rows_may_come_twice(export: Ask, world: World) -> None:
    whole = _lines(export(**DAY))
    world.faults.append(Fault(EXPORT, "duplicate_rows", after=2, count=3))
    lines = _lines(export(**DAY))
    assert len(lines) == len(whole) + 3
    assert lines[2:8:2] == lines[3:8:2] == whole[2:5]


def test_a_gzip_stream_may_be_garbled(export: Ask, world: World) -> None:
    world.faults.append(Fault(EXPORT, "broken_gzip", after=300))
    with pytest.raises((httpx.DecodingError, gzip.BadGzipFile)):
        export({"Accept-Encoding": "gzip"}, **DAY)


@pytest.mark.parametrize(
    ("order", "status", "part"),
    [
        ({"fault": "status", "status": 401}, 401, "Invalid credentials"),
        ({"fault": "status", "status": 402}, 402, "plan"),
        ({"fault": "status", "status": 403}, 403, "exceeds 90 days"),
        ({"fault": "status", "status": 500}, 500, "An unknown error occurred."),
        ({"fault": "status", "status": 502}, 502, "<html>"),
        ({"fault": "status", "status": 412, "body": "UserVisible..."}, 412, "UserVisible..."),
        ({"fault": "status", "status": 500, "body": {"message": "Error ID: 7f"}}, 500, "7f"),
        ({"fault": "error_200"}, 200, '{"error":'),
    ],
)
def test_an_answer_may_be_any_refusal(
    query: Ask, world: World, order: dict[str, object], status: int, part: str
) -> None:
    world.faults.append(read_fault({"path": "/api/query", **order}))
    answer = query("events/names")
    assert answer.status_code == status
    assert part in answer.text


def test_a_status_may_bring_its_headers(query: Ask, world: World) -> None:
    world.faults.append(Fault("/api/query", "status", status=429, headers={"Retry-After": "2"}))
    answer = query("events/names")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")


def test_a_lack_of_access_may_be_a_redirect(ask: Ask, world: World) -> None:
    world.faults.append(Fault("/api/app", "redirect"))
    answer = ask("GET", "/api/app/me")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/request_access/?next=")


def test_a_delayed_answer_is_right(query: Ask, world: World) -> None:
    world.faults.append(Fault("/api/query", "delay", seconds=0.001))
    assert query("events/names").status_code == 200
    assert world.log[0]["fault"] == "delay"


@pytest.mark.parametrize(
    "order",
    [
        {"path": "/api", "fault": "nope"},
        {"fault": "cut"},
        {"path": "/api", "fault": "cut", "bytes": 3},
    ],
)
def test_a_wrong_order_is_refused(ask: Ask, world: World, order: dict[str, object]) -> None:
    answer = ask("POST", "/_sim/faults", json=order)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert world.faults == []


@pytest.mark.parametrize(
    ("shape", "keys"),
    [
        ("E1", {"request", "error"}),
        ("E2", {"error", "status"}),
        ("E2-bare", {"error"}),
        ("E3", {"status", "error"}),
        ("E3-details", {"status", "error", "details"}),
        ("E4", {"code", "error", "status", "num_records_imported", "failed_records"}),
        ("E5-json", {"error"}),
        ("E6", {"message"}),
        ("E8", {"error"}),
        ("blank", {"error", "message"}),
        ("nested", {"error"}),
    ],
)
@pytest.mark.parametrize("path", ["/api/query/events/names", "/api/app/me", EXPORT])
def test_each_shape_of_errors_can_be_ordered_on_any_path(
    ask: Ask, world: World, path: str, shape: str, keys: set[str]
) -> None:
    order = {"path": path, "fault": "status", "status": 422, "shape": shape, "error": "it's bad"}
    assert ask("POST", "/_sim/faults", json=order).status_code == 200
    answer = ask("GET", path, params={"project_id": "1001", **DAY})
    assert answer.status_code == (200 if shape == "E8" else 422)
    assert set(answer.json()) == keys
    assert "it's bad" in answer.text


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ("E5", "An unknown error occurred."),
        ("E7", "502 Bad Gateway"),
        ("E7-text", "Internal Error"),
        ("list", '["An unknown error occurred."]'),
        ("empty", ""),
    ],
)
def test_some_shapes_are_not_json_objects(query: Ask, world: World, shape: str, text: str) -> None:
    world.faults.append(Fault("/api/query", "status", status=502, shape=shape))
    answer = query("events/names")
    assert answer.status_code == 502
    assert text in answer.text


def test_a_script_error_has_several_lines(query: Ask, world: World) -> None:
    world.faults.append(Fault("/api/query", "status", status=412))
    lines = query("events/names").json()["error"].split("\n")
    assert lines[0].startswith("UserVisiblePreconditionFailedError: Uncaught exception TypeError:")
    assert len(lines) > 4


def test_the_history_limit_may_be_any_number_of_days(ask: Ask, world: World) -> None:
    text = "Date range exceeds 365 days into the past"
    world.faults.append(Fault("/api/app", "status", status=403, error=text))
    assert ask("GET", "/api/app/me").json() == {"status": "error", "error": text}


def test_json_may_end_too_early(ask: Ask, world: World) -> None:
    world.faults.append(Fault("/api/app", "broken_json"))
    world.faults.append(Fault("/api/app", "broken_json", after=0))
    answer, empty = (ask("GET", "/api/app/me") for _ in range(2))
    assert answer.status_code == empty.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert (len(answer.content) > 100, empty.content) == (True, b"")


def test_an_answer_may_go_silent_for_some_time(ask: Ask, world: World) -> None:
    right = ask("GET", "/api/app/me").content
    for after in (None, 0, 10_000):
        world.faults.append(Fault("/api/app", "stall", seconds=0.001, after=after))
        assert ask("GET", "/api/app/me").content == right


def test_an_unknown_shape_is_refused(ask: Ask) -> None:
    order = {"path": "/api", "fault": "status", "shape": "E9"}
    assert "there are E1" in ask("POST", "/_sim/faults", json=order).json()["error"]
