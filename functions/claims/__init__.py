"""The claims function: writes what Neo4j needs into every access token."""
