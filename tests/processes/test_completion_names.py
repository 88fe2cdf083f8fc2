"""Names of events and tables in the shell: from what the server knows, asking nobody."""

from mp_mcp.demo.running import Running
from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.processes.agents import mp


def offered(environ: dict[str, str], *words: str) -> list[str]:
    """What zsh would offer."""
    return mp(environ, "completion", "zsh", "--", *words).stdout.splitlines()


def test_names_are_completed_without_a_request_and_without_starting_a_server(
    environ: dict[str, str], mixpanel: Running, home: Home
) -> None:
    segmentation = ("query", "segmentation", "-e")
    assert offered(environ, *segmentation, "Pur") == []
    assert not lease.is_held(home), "pressing TAB started a server"
    mp(environ, "inspect", "events")
    mp(environ, "fetch", "events", "--from", "2025-03-10", "--to", "2025-03-10")
    mp(environ, "inspect", "tables")
    mixpanel.clear_requests()
    assert offered(environ, *segmentation, "Pur") == ["Purchase"]
    assert offered(environ, "query", "event-counts", "-e", "Login,Sig") == ["Login,Signup"]
    mp(environ, "inspect", "properties", "-e", "Purchase")
    mixpanel.clear_requests()
    on = ("query", "segmentation", "-e", "Purchase", "--on", "amo")
    assert offered(environ, *on) == ["amount"]
    assert offered(environ, "query", "retention", "--return", "'Page") == ["Page View"]
    assert offered(environ, "inspect", "schema", "-t", "ev") == ["events"]
    assert offered(environ, "drop", "table", "events", "e") == ["events"]
    assert offered(environ, "-p", "4711", *segmentation, "Pur") == []
    stranger = environ | {"MP_SECRET": "another"}
    assert offered(stranger, *segmentation, "Pur") == [], "names of another account were told"
    bash = mp(environ, "completion", "bash", "--", *segmentation, "Pag")
    assert bash.stdout == "Page\\ View\n"
    assert mixpanel.requests() == []
