"""The canary: calls the server as a caller does, and publishes whether that worked."""
