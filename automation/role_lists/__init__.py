"""What each IAM role must be able to do, and what it must not.

The tests evaluate the lists with the policies that are deployed or printed. The check P2-roles asks
AWS's policy simulator about the roles of a deployed stack.
"""
