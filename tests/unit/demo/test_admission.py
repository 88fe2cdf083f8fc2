"""Which quotas of the simulator a request needs room in."""

from email.utils import parsedate_to_datetime

import anyio
import httpx
import pytest

from mp_mcp.demo.app import MixpanelSimulator
from mp_mcp.demo.faults import Fault
from mp_mcp.demo.limits import HOUR, Limits, Refusal, Ticket
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import AUTH, Ask

SCRIPT = "function main() { return Events({from_date: '2025-03-30', to_date: '2025-03-30'}) }"
ASKED = {"project_id": "1001"}


def _jql(ask: Ask) -> httpx.Response:
    return ask("POST", "/api/query/jql", params=ASKED, data={"script": SCRIPT})


def test_jql_needs_room_in_its_own_quota_and_in_that_of_queries(ask: Ask, world: World) -> None:
    world.switches.turn({"limits": True})
    assert _jql(ask).status_code == 200
    assert world.limits.used() == {"1001": {"jql": 1, "query": 1}}
    world.limits.quotas["jql"].per_hour = 1
    assert "(2/1 queries running in the last hour)" in _jql(ask).json()["error"]
    assert ask("GET", "/api/query/events/names", params=ASKED).status_code == 200
    world.limits.quotas["jql"].per_hour = 60
    world.limits.quotas["query"].per_hour = 2
    assert "(3/2 queries running in the last hour)" in _jql(ask).json()["error"]


def test_lexicon_schemas_allow_five_a_minute_to_the_organization(ask: Ask, world: World) -> None:
    world.switches.turn({"limits": True})
    schemas = "/api/app/projects/1001/schemas"
    for _ in range(5):
        assert ask("GET", schemas).status_code == 200
    answer = ask("GET", f"{schemas}/event")
    assert (answer.status_code, answer.json()["status"]) == (429, "error")
    assert int(answer.headers["Retry-After"]) in range(55, 61)
    assert "RateLimit" not in answer.headers
    other = ask("GET", "/api/app/projects/2002/schemas", auth=("other.svc", "other-secret"))
    assert other.status_code == 429
    assert ask("GET", "/api/app/me").status_code == 200
    world.clock.offset += 61
    assert ask("GET", schemas).status_code == 200


def test_other_people_may_have_used_units(ask: Ask, world: World) -> None:
    world.switches.turn({"limits": True})
    order = {"api": "query", "project_id": "1001", "count": 59}
    assert ask("POST", "/_sim/limits/spend", json=order).json() == {"1001": {"query": 59}}
    assert ask("GET", "/api/query/events/names", params=ASKED).status_code == 200
    assert ask("GET", "/api/query/events/names", params=ASKED).status_code == 429
    wrong = ask("POST", "/_sim/limits/spend", json={**order, "api": "nope"})
    assert "quotas of" in wrong.json()["error"]


def test_units_that_were_used_earlier_come_back_earlier() -> None:
    limits = Limits(lambda: 10_000.0)
    limits.spend("query", "1001", 59)
    limits.spend("query", "1001", 2, ago=3000)
    refusal = limits.admit("query", "1001", counts=True, enforced=True)
    assert isinstance(refusal, Refusal)
    # Two have to go before one fits in.
    assert refusal.retry_after == HOUR - 3000
    assert refusal.message.count("62/60") == 1


def test_a_quota_without_a_number_is_unlimited() -> None:
    limits = Limits(lambda: 0.0)
    limits.quotas["query"].per_hour = limits.quotas["query"].concurrent = None
    for _ in range(100):
        assert isinstance(limits.admit("query", "1001", counts=True, enforced=True), Ticket)


def test_each_counted_answer_may_tell_what_is_left(ask: Ask, query: Ask, world: World) -> None:
    assert "RateLimit" not in query("events/names").headers
    world.switches.turn({"rate_headers": "always"})
    answer = query("events/names")
    assert answer.headers["RateLimit-Policy"].startswith('"project";q=60;w=3600')
    assert answer.headers["RateLimit"].startswith('"project";r=58;t=3')
    assert answer.headers["RateLimit"].endswith(', "project-concurrency";r=4')
    assert "RateLimit" in query("segmentation").headers
    assert "RateLimit" not in query("annotations").headers
    assert "RateLimit" not in ask("GET", "/api/app/me").headers
    world.faults.append(Fault("/api/query", "load_shed"))
    assert "RateLimit" not in query("events/names").headers


def test_refusals_may_come_without_rate_headers(query: Ask, world: World) -> None:
    world.switches.turn({"limits": True, "rate_headers": "never", "retry_after": "none"})
    world.limits.quotas["query"].per_hour = 0
    answer = query("events/names")
    assert answer.status_code == 429
    assert not {"ratelimit", "ratelimit-policy", "retry-after"} & set(answer.headers)


def test_the_time_to_come_back_may_be_a_date(query: Ask, world: World) -> None:
    world.switches.turn({"limits": True, "retry_after": "date"})
    world.limits.quotas["query"].per_hour = 0
    assert parsedate_to_datetime(query("events/names").headers["Retry-After"]).tzinfo is not None


def test_a_switch_knows_its_positions(ask: Ask) -> None:
    answer = ask("POST", "/_sim/switches", json={"rate_headers": "sometimes"})
    assert answer.json()["error"] == "ValueError: rate_headers is one of refusals, always, never"


def test_aliases_are_free_and_annotations_are_not_limited(query: Ask, world: World) -> None:
    query("engage/aliases")
    query("annotations", from_date="2025-03-01", to_date="2025-03-31")
    assert world.limits.used() == {"1001": {"query": 0}}


def _together(world: World, count: int) -> list[int]:
    """Statuses of requests of which each is under way when the next one starts."""
    statuses: list[int] = []
    world.faults.append(Fault("/api/query", "delay", times=None, seconds=60))

    async def one(client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/query/events/names", params=ASKED, auth=AUTH)
        statuses.append(answer.status_code)

    async def go() -> None:
        transport = httpx.ASGITransport(app=MixpanelSimulator(world))
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://sim") as client,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(count):
                tasks.start_soon(one, client)
            while sum(1 for entry in world.log if entry["in_flight"]) < count:
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()

    anyio.run(go)
    return statuses


@pytest.mark.parametrize("enforced", [True, False])
def test_the_log_tells_how_many_queries_were_in_flight(world: World, enforced: bool) -> None:
    world.switches.turn({"limits": enforced})
    statuses = _together(world, 6)
    assert statuses == ([429] if enforced else [])
    assert [entry["in_flight"] for entry in world.log] == [1, 2, 3, 4, 5, 6]
    # All places are free again.
    assert world.limits.in_flight("query", "1001") == 0


def test_the_log_tells_when_a_request_came_on_the_clock_of_the_limits(
    query: Ask, ask: Ask, world: World
) -> None:
    query("events/names")
    world.clock.offset += 1000
    ask("GET", "/api/app/me")
    first, second = world.log
    assert 1000 <= second["at"] - first["at"] < 1100
    assert (first["in_flight"], second["in_flight"]) == (1, None)
