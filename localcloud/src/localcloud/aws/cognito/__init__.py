"""Cognito: where ministack differs from AWS.

Its modules:

    app      the token endpoint and the API, in front of ministack's
    rules    pure decisions: defaults of updates, and claims that a trigger can't change
"""
