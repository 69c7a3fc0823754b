"""Lambda: function URLs, which ministack can't serve at an address that this machine reaches.

Its modules:

    app         the API of function URLs, in front of ministack's
    thread      runs the URLs on a separate event loop
    versions    versions and aliases, in front of ministack's
    urls        one function's URL: its HTTPS port, and the path of each request to the function
    functions   invokes functions, and reads their policies
    events      a request as an event, and a function's result as a response. Pure
    environments  lets an updated function's environments finish their invocations
    credentials  the sessions of functions' roles
    executions  ministack's invocations: their log events and metrics
    invocation_log, invocation_metrics, invocation_error  what these are. Pure
    python_runtime  the log of a Python function, in the function's own process
"""
