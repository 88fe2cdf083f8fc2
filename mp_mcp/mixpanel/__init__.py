"""THE API: no database, no MCP."""
