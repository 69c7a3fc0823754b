"""The server that load is compared with, and what it is installed from."""
