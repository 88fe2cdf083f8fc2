"""The fixtures of tests with real processes."""

from tests.processes.conftest import environ, home, mixpanel, offline

__all__ = ["environ", "home", "mixpanel", "offline"]
