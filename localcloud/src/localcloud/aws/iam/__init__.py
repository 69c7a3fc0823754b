"""IAM: what a role's policies allow. ministack stores the roles and serves the API.

Its modules:

    rules       pure decisions from policy documents
    simulation  the policy simulator, for one role and one resource
    trust       which roles a trust policy names. Pure
    roles       the roles as ministack keeps them
    app         the API in front of ministack's
"""
