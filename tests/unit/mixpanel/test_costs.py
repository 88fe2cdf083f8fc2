"""Which budgets a request costs a unit of."""

import pytest

from mp_mcp.mixpanel.costs import FREE, Cost, cost_of
from mp_mcp.mixpanel.transport import Family, Params, Question


def cost(family: Family, path: str, params: Params | None = None) -> Cost:
    return cost_of(Question("GET", family, path, params or {}))


@pytest.mark.parametrize(
    "path",
    [
        "/events/names",
        "/events/properties/top",
        "/funnels/list",
        "/cohorts/list",
        "/segmentation/sum",
        "/retention/addiction",
        "/insights",
        "/arb_funnels",
        "/stream/query",
        "/engage",
        "/engage/stats",
    ],
)
def test_queries_and_discoveries_cost_a_unit_of_the_query_budget(path: str) -> None:
    assert cost("query", path) == Cost(("query",))


@pytest.mark.parametrize("path", ["/annotations", "/custom_events", "/workspaces", "/project"])
def test_some_routes_under_the_query_prefix_cost_nothing(path: str) -> None:
    assert cost("query", path) == FREE


def test_only_the_first_page_of_profiles_costs_a_unit() -> None:
    assert cost("query", "/engage", {"where": "x", "session_id": None}).counts
    assert cost("query", "/engage", {"session_id": ""}).counts
    further = cost("query", "/engage", {"session_id": "17-a", "page": 1})
    assert further == Cost(("query",), counts=False)


def test_the_aliases_of_profiles_cost_no_unit() -> None:
    assert not cost("query", "/engage/aliases").counts


def test_jql_has_its_own_budget_in_addition() -> None:
    assert cost("query", "/jql") == Cost(("jql", "query"))


def test_an_export_has_a_budget_of_its_own() -> None:
    assert cost("export", "/export") == Cost(("export",))


def test_schemas_have_a_budget_and_other_app_routes_have_none() -> None:
    assert cost("app", "/projects/42/schemas") == Cost(("lexicon",))
    assert cost("app", "/projects/42/schemas/event") == Cost(("lexicon",))
    assert cost("app", "/projects/42/bookmarks") == FREE
    assert cost("app", "/me") == FREE
