"""THE DATABASE: no API, no MCP."""
