"""ECR: the account's image registry, as AWS's API and as the protocol that Docker speaks.

Its modules:

    app      serves both protocols, with ministack as the store
    models   the registry's addresses and logins
    rules    pure decisions: what the stand-in refuses, and where ministack differs
"""
