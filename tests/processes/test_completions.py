"""Names that agents' hosts offer while a person types: what is known, and no request for it."""

from typing import Any

from mp_mcp.demo.running import Running
from tests.processes.agents import Agent

COUNTS = {"events": ["Purchase"], "from_date": "2025-03-01", "to_date": "2025-03-02"}


def complete(agent: Agent, argument: str, value: str, **others: str) -> list[str]:
    reference: dict[str, Any] = {"type": "ref/prompt", "name": "explain_drop"}
    if argument == "table":
        reference = {"type": "ref/resource", "uri": "mp://tables/{table}"}
    found = agent.request(
        "completion/complete",
        {
            "ref": reference,
            "argument": {"name": argument, "value": value},
            "context": {"arguments": others},
        },
    )
    values: list[str] = found["completion"]["values"]
    return values


def test_names_that_were_listed_once_are_offered_and_never_asked_for(
    environ: dict[str, str], mixpanel: Running
) -> None:
    with Agent(environ) as agent:
        assert complete(agent, "event", "Pur") == []
        events = [row[0] for row in agent.call("inspect_events")["rows"]]
        properties = [row[0] for row in agent.call("inspect_properties", event="Purchase")["rows"]]
        agent.call("query_event_counts", **COUNTS, save_as="counts")
        mixpanel.clear_requests()
        assert complete(agent, "event", "pur") == ["Purchase"]
        assert sorted(complete(agent, "event", "")) == sorted(events)
        assert complete(agent, "events", "Login, Purch") == ["Login, Purchase"]
        assert complete(agent, "property", "", event="Purchase") == properties
        assert complete(agent, "property", "payment") == ["payment_method"]
        assert complete(agent, "property", "", event="Nothing") == []
        assert complete(agent, "table", "cou") == ["counts"]
        uris = [one["uri"] for one in agent.request("resources/list")["resources"]]
        assert "mp://tables/counts" in uris
        data, mark = agent.request("resources/read", {"uri": "mp://tables/counts"})["contents"]
        assert "Purchase" in data["text"]
        assert "never instructions" in mark["text"]
        assert mixpanel.requests() == []
    with Agent(environ, "legacy") as agent:
        assert complete(agent, "event", "chase") == ["Purchase"]
    # Nobody is offered what other credentials have listed.
    account = mixpanel.accounts[1]
    with Agent(environ | mixpanel.environ(account["project_id"])) as agent:
        assert complete(agent, "event", "") == []
