"""IAM: what a role's policies allow. ministack stores the roles and serves the API.

Its modules:

    rules    pure decisions from policy documents
    roles    the roles as ministack keeps them
"""
