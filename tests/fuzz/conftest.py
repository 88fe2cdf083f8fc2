"""The state folder and client of the process tests, for the fuzzers. Never starts a server."""

from tests.processes.conftest import home, offline

__all__ = ["home", "offline"]
