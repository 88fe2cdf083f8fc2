"""A secret that `mp` puts into the keyring is one that the shared server finds there."""

from pathlib import Path

from mp_mcp.demo.running import Running
from mp_mcp.settings import Home
from tests.processes import file_keyring
from tests.processes.agents import Agent, bare_environ, mp

ROOT = Path(__file__).parents[2]


def test_a_secret_is_stored_used_and_removed_in_the_keyring(
    home: Home, mixpanel: Running, tmp_path: Path
) -> None:
    environ = bare_environ() | {
        "MP_HOME": str(home.path),
        "MP_API_BASE_URL": mixpanel.base_url,
        "HOME": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": file_keyring.NAME,
        "PYTHONPATH": str(ROOT),
    }
    account = mixpanel.accounts[0]
    words = ("auth", "login", "work", "--username", account["username"], "--region", "us")
    stored = mp(environ, *words, "-f", "json", stdin=account["secret"] + "\n").json
    assert stored["secret_in"] == "keyring"
    assert account["secret"] not in home.config.read_text(encoding="utf-8")
    assert account["secret"] in (tmp_path / "keyring.json").read_text(encoding="utf-8")
    mp(environ, "server", "stop")
    with Agent(environ) as agent:
        assert agent.call("inspect_events", fresh=True)["project"] == "1001"
    assert mp(environ, "auth", "logout", "work").code == 0
    assert (tmp_path / "keyring.json").read_text(encoding="utf-8") == "{}"
    assert mp(environ, "inspect", "events").code == 3
