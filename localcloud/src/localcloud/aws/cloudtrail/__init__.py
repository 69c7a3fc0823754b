"""CloudTrail: the event history, which records who called which management operation.

Its modules:

    recorder    records the requests that pass it
    requests    which operation a request calls, with which parameters. Pure
    identities  who has an access key
    models      identities, events and the history
    lookups     which events a lookup returns, in pages. Pure
    app         the API
"""
