"""App Runner: its API, its deployments and the way of a request to an instance."""
