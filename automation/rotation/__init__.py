"""Rotates and revokes the clients' secrets of a deployed stack.

clients      the clients, as the stack's outputs describe them
lookups      what Secrets Manager and Cognito hold of a client
decisions    what prevents a rotation, and how far one is
operations   starts rotations and waits for them
results      what happened to each client's secret
"""
