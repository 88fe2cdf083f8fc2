"""The state folder, client and simulator of the process tests, for the faults."""

from tests.processes.conftest import environ, home, mixpanel, offline

__all__ = ["environ", "home", "mixpanel", "offline"]
