"""mp_mcp: Mixpanel and DuckDB tools for agents and humans who share one local server.

Nothing is imported here: `mp` and `mp-mcp` pay for every import at every start.
"""

__version__ = "0.1.0"
