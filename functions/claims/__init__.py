"""The claims function: adds the claims that Neo4j needs to every access token."""
