"""EventBridge: rules with a schedule or an event pattern, on the default bus.

ministack ignores the policies of what its rules invoke, and gets no events of App Runner and ECS.

Its modules:

    app           the API over HTTP
    operations    the API's operations
    schedules     invokes the targets of rules when they are due
    bus           invokes the targets of the rules that match an event
    invocations   invokes the targets of one rule, and counts what happens
    targets       functions, topics and log groups
    models        rules and their targets
    patterns      which events a pattern matches. Pure
    rules         pure decisions about rules
"""
