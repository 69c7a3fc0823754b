"""The MCP conformance suite, run against a server that wants a token."""
