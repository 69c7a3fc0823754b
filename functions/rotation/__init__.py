"""The rotation function: publishes, rotates, revokes and retires the clients' secrets."""
