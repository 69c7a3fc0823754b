"""Reads from AWS who got tokens, and who read the clients' secrets."""
