import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mp_mcp.demo.running import Running, simulator
from mp_mcp.errors import UsageError

EXPORT = "/api/2.0/export"
DAY = {"project_id": "1001", "from_date": "2025-03-31", "to_date": "2025-03-31"}


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with simulator(days=8, events_per_day=50, last_day="2025-03-31") as found:
        yield found


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    running.clear_faults()
    running.clear_requests()
    auth = ("demo.svc", "demo-secret")
    with httpx.Client(base_url=running.base_url, auth=auth, trust_env=False) as found:
        yield found


def test_the_child_ends_with_its_context() -> None:
    with simulator(days=1, events_per_day=1) as running:
        assert running.story()["empty_day"] is None
    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)


def test_the_environment_points_a_client_at_it(running: Running) -> None:
    assert running.environ() == {
        "MP_API_BASE_URL": running.base_url,
        "MP_USERNAME": "demo.svc",
        "MP_SECRET": "demo-secret",
        "MP_PROJECT_ID": "1001",
    }
    assert running.environ("2002")["MP_USERNAME"] == "other.svc"


def test_an_export_over_the_wire_is_the_truth(running: Running, client: httpx.Client) -> None:
    whole = {**DAY, "from_date": "2025-03-01"}
    answer = client.get(EXPORT, params=whole)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content.count(b"\n") == running.truth()["rows"]


def test_a_cut_connection_is_an_incomplete_body(running: Running, client: httpx.Client) -> None:
    running.fault(EXPORT, "cut", after=1000)
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        client.get(EXPORT, params=DAY)
    entry = running.requests(EXPORT)[0]
    assert (entry["status"], entry["bytes"], entry["fault"]) == (200, 1000, "cut")
    assert client.get(EXPORT, params=DAY).status_code == 200


def test_a_cut_json_answer_is_an_incomplete_body(running: Running, client: httpx.Client) -> None:
    running.fault("/api/app", "cut", after=10)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/api/app/me")


def test_the_log_tells_what_was_asked_without_secrets(
    running: Running, client: httpx.Client
) -> None:
    client.post("/api/query/nothing", params={"project_id": "1001"}, data={"a": "b"})
    (entry,) = running.requests("/api/query")
    assert (entry["method"], entry["path"]) == ("POST", "/api/query/nothing")
    assert (entry["query"], entry["body"]) == ({"project_id": "1001"}, "a=b")
    assert (entry["status"], entry["concurrent"]) == (400, 1)
    assert "authorization" not in entry["headers"]
    assert "demo-secret" not in str(entry)
    running.clear_requests()
    assert running.requests() == []


def test_late_events_and_limits_are_switched_from_outside(client: httpx.Client) -> None:
    with simulator(days=8, events_per_day=100, last_day="2025-03-31", limits=True) as running:
        before = running.truth()["rows"]
        running.late()
        assert running.truth()["rows"] > before
        running.quotas(query={"per_hour": 1})
        names = f"{running.base_url}/api/query/events/names"
        asked = {"project_id": "1001"}
        statuses = [client.get(names, params=asked).status_code for _ in range(2)]
        running.advance(3601)
        statuses.append(client.get(names, params=asked).status_code)
        assert statuses == [200, 429, 200]
        assert running.used() == {"1001": {"query": 1}}


def test_a_wrong_order_says_what_is_wrong(running: Running) -> None:
    with pytest.raises(UsageError, match="unknown switches"):
        running.switch(nope=1)


def test_a_kept_folder_is_used_again(tmp_path: Path) -> None:
    kept = []
    options = {"days": 2, "events_per_day": 20, "last_day": "2025-03-31", "folder": tmp_path}
    for _ in range(2):
        with simulator(**options) as running:
            auth = ("demo.svc", "demo-secret")
            with httpx.Client(base_url=running.base_url, auth=auth, trust_env=False) as client:
                answer = client.get(EXPORT, params=DAY)
        files = {file.name: file.stat().st_mtime_ns for file in tmp_path.rglob("*.s")}
        kept.append((answer.content, files))
    assert kept[0] == kept[1]
    assert set(kept[0][1]) == {"2025-03-31.late.s", "2025-03-31.on-time.s"}


def test_profiles_and_spent_units_are_told_from_outside() -> None:
    with simulator(days=2, events_per_day=20, profiles=80, limits=True) as running:
        auth = ("demo.svc", "demo-secret")
        with httpx.Client(base_url=running.base_url, auth=auth, trust_env=False) as client:
            engage = client.post("/api/query/engage", params={"project_id": "1001"})
            assert engage.json()["total"] == 79
            assert running.spend("query", 59)["1001"]["query"] == 60
            running.quotas(query={"concurrent": None})
            names = client.get("/api/query/events/names", params={"project_id": "1001"})
            assert names.status_code == 429
