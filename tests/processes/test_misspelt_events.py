"""A misspelt event: Mixpanel counts nothing and does not say why, the names that are known do."""

import pytest

from mp_mcp.demo.running import Running
from tests.processes.agents import Agent

DAYS = {"from_date": "2025-03-01", "to_date": "2025-03-02"}
MEANT = "Instead of 'Purchas' did you mean the event 'Purchase'?"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("query_segmentation", {"event": "Purchas", **DAYS}),
        ("query_segmentation_sum", {"event": "Purchas", "on": "price", **DAYS}),
        ("query_event_counts", {"events": ["Login", "Purchas"], **DAYS}),
        ("query_retention", {"born": "Login", "return": "Purchas", **DAYS}),
        ("query_frequency", {"event": "Purchas", **DAYS}),
        ("inspect_properties", {"event": "Purchas"}),
    ],
)
def test_the_event_that_was_meant_is_named_without_another_request(
    environ: dict[str, str], mixpanel: Running, tool: str, arguments: dict[str, object]
) -> None:
    with Agent(environ) as agent:
        agent.call("inspect_events")
        mixpanel.clear_requests()
        assert MEANT in agent.call(tool, **arguments)["hint"]
        assert len(mixpanel.requests()) == 1


def test_without_known_names_or_a_doubt_nothing_is_guessed(environ: dict[str, str]) -> None:
    with Agent(environ) as agent:
        asked = {"event": "Purchas", **DAYS}
        assert "did you mean" not in agent.call("query_segmentation", **asked)["hint"]
        agent.call("inspect_events")
        assert (
            agent.call("query_segmentation", **{**asked, "event": "Purchase"}).get("hint") is None
        )
