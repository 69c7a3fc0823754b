"""The MCP conformance suite, run against a server that requires a token."""
