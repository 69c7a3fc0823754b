"""Secrets Manager, with rotation: ministack's never calls a rotation function.

Its modules:

    app          the API over HTTP
    operations   the API's operations
    rotation     runs rotations: their steps, retries and schedule
    models       secrets and their versions
    versions     pure decisions about versions and staging labels
    schedule     pure decisions about when a secret is rotated
"""
