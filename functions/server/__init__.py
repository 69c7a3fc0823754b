"""The MCP server in Lambda: the official binary as a child process of a handler.

Its modules:

    events    a function URL's event as a request, and a response as the function's result. Pure
    process   the server's process, and requests to it
    handler   what Lambda calls
"""
