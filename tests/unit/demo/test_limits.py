from mp_mcp.demo.faults import Fault
from mp_mcp.demo.limits import HOUR, Limits, Refusal, Ticket
from mp_mcp.demo.world import World
from tests.unit.demo.conftest import Ask


class _Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _admit(limits: Limits, api: str = "query", counts: bool = True) -> Ticket:
    ticket = limits.admit(api, "1001", counts=counts, enforced=True)
    assert isinstance(ticket, Ticket)
    return ticket


def _refused(limits: Limits, api: str = "query") -> Refusal:
    refusal = limits.admit(api, "1001", counts=True, enforced=True)
    assert isinstance(refusal, Refusal)
    return refusal


def test_sixty_queries_fit_into_a_rolling_hour() -> None:
    clock = _Hand()
    limits = Limits(clock)
    for _ in range(60):
        limits.done(_admit(limits), 200)
        clock.now += 10
    refusal = _refused(limits)
    assert "(61/60 queries running in the last hour)" in refusal.message
    # The first unit comes back an hour after it was spent, not at a full hour.
    assert refusal.retry_after == HOUR - 600
    clock.now += refusal.retry_after
    limits.done(_admit(limits), 200)
    assert _refused(limits).retry_after == 10


def test_five_queries_run_at_once() -> None:
    limits = Limits(_Hand())
    tickets = [_admit(limits) for _ in range(5)]
    refusal = _refused(limits)
    assert "6/5 queries running concurrently" in refusal.message
    assert refusal.headers["RateLimit"] == '"project";r=55, "project-concurrency";r=0;t=10'
    limits.done(tickets[0], 200)
    _admit(limits)


def test_some_statuses_give_their_unit_back() -> None:
    limits = Limits(_Hand())
    for status in (200, 400, 500, 401, 402, 429):
        limits.done(_admit(limits), status)
    assert limits.used() == {"1001": {"query": 3}}


def test_further_pages_cost_no_unit() -> None:
    limits = Limits(_Hand())
    for _ in range(100):
        limits.done(_admit(limits, counts=False), 200)
    assert limits.used() == {"1001": {"query": 0}}


def test_the_export_has_its_own_quota_of_three_a_second() -> None:
    clock = _Hand()
    limits = Limits(clock)
    for _ in range(3):
        _admit(limits, "export")
    assert _refused(limits, "export").retry_after == 1
    assert _refused(limits, "export").headers == {}
    clock.now += 1
    _admit(limits, "export")
    _admit(limits, "query")


def test_a_hundred_exports_run_at_once() -> None:
    clock = _Hand()
    limits = Limits(clock)
    limits.quotas["export"].per_hour = 1000
    for _ in range(100):
        _admit(limits, "export")
        clock.now += 1
    refusal = _refused(limits, "export")
    assert refusal.message == "too many export requests in progress for this project"


def test_an_exhausted_hour_answers_with_the_rate_headers(query: Ask, world: World) -> None:
    world.switches.turn({"limits": True})
    for _ in range(60):
        assert query("events/names").status_code == 200
    answer = query("events/names")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) in range(3500, 3601)
    assert answer.headers["RateLimit-Policy"] == (
        '"project";q=60;w=3600, "project-concurrency";q=5;qu="concurrent-requests"'
    )
    assert answer.headers["RateLimit"].startswith('"project";r=0;t=')
    assert answer.headers["RateLimit"].endswith(', "project-concurrency";r=5')
    body = answer.json()
    assert body["request"].startswith("https://mixpanel.com/api/query/events/names?project_id=1001")
    assert body["error"].startswith("Query rate limit exceeded for project_id: 1001. ")
    world.clock.offset += HOUR
    assert query("events/names").status_code == 200


def test_limits_are_off_by_default_but_counted(query: Ask, world: World) -> None:
    for _ in range(61):
        assert query("events/names").status_code == 200
    assert world.limits.used() == {"1001": {"query": 61}}


def test_both_query_prefixes_share_a_budget_and_the_app_has_none(ask: Ask, world: World) -> None:
    asked = {"project_id": "1001"}
    ask("GET", "/api/query/events/names", params=asked)
    ask("GET", "/api/2.0/events/names", params=asked)
    ask("GET", "/api/app/me")
    assert world.limits.used() == {"1001": {"query": 2}}


def test_failed_queries_count_and_refused_credentials_do_not(
    query: Ask, ask: Ask, world: World
) -> None:
    assert query("segmentation").status_code == 400
    world.faults.append(Fault("/api/query", "status", status=500))
    assert query("events/names").status_code == 500
    world.faults.append(Fault("/api/query", "status", status=402))
    assert query("events/names").status_code == 402
    asked = {"project_id": "1001"}
    assert ask("GET", "/api/query/events/names", auth=("x", "y"), params=asked).status_code == 401
    assert world.limits.used() == {"1001": {"query": 2}}


def test_a_full_export_quota_answers_without_rate_headers(export: Ask, world: World) -> None:
    world.switches.turn({"limits": True})
    world.limits.quotas["export"].concurrent = 0
    answer = export()
    assert answer.status_code == 429
    assert answer.json() == {"error": "too many export requests in progress for this project"}
    assert "Retry-After" in answer.headers
    assert "RateLimit" not in answer.headers


def test_a_shed_request_has_neither_counts_nor_headers(query: Ask, world: World) -> None:
    world.faults.append(Fault("/api/query", "load_shed"))
    answer = query("events/names")
    assert answer.status_code == 429
    assert answer.json()["error"].startswith("Query rate limit exceeded for project_id: 1001")
    assert not {"retry-after", "ratelimit", "ratelimit-policy"} & set(answer.headers)
