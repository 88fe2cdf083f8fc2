"""A server in the street: strangers come by, and one client that must not notice them."""

import os
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from mp_mcp.server import lease
from mp_mcp.settings import Home
from tests.fuzz.strangers import Witness
from tests.processes.agents import bare_environ, mp
from tests.processes.conftest import home as home_of_one_test
from tests.processes.conftest import offline, state_folder

__all__ = ["home", "offline"]

home = home_of_one_test


class Street(NamedTuple):
    """Where everybody meets: the server's home, and a client that did nothing wrong."""

    home: Home
    witness: Witness


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    """One server for all that is sent here; it must be the same one at the end."""
    with state_folder() as home:
        environ = bare_environ() | {"MP_HOME": str(home.path), "MP_PROJECT_ID": "1001"}
        server = mp(environ, "inspect", "workspace").json["server_pid"]
        with Witness(home) as witness:
            yield Street(home, witness)
            witness.ask()
        assert lease.server_info(home)["pid"] == server
        os.kill(server, 0)
        # `state_folder` looks for tracebacks; an error is logged without one as well.
        assert " ERROR " not in home.server_log.read_text(encoding="utf-8")
