"""EventBridge: rules with a schedule. ministack's ignore the policies of the functions they invoke.

Its modules:

    app          the API over HTTP
    operations   the API's operations
    schedules    invokes the targets of rules when they are due
    models       rules and their targets
    rules        pure decisions about rules
"""
