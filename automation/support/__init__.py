"""Collects what somebody without access to the account needs to help with a stack.

archive    the parts of the file, and how it is written
secrets    learns the clients' secrets, so that they are blanked wherever they occur
sources    what is collected of a stack
"""
