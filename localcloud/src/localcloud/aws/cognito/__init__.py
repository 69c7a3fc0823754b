"""Cognito: where ministack differs from AWS.

Its modules:

    app              the token endpoint and the API, in front of ministack's
    models           the client secrets of app clients
    rules            pure decisions: defaults, and what Cognito refuses
    token_request    reading a token request
"""
