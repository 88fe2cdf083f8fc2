"""Tools of the API are called over the scripted wire that the client's own tests use."""

from tests.unit.mixpanel.conftest import script, target

__all__ = ["script", "target"]
