"""SNS: topics that send their messages to addresses, URLs, functions and queues.

ministack's confirms the subscription of every e-mail address and evaluates no topic's policy.

Its modules:

    app          the API over HTTP, and the operations of the stand-in
    operations   the API's operations
    rules        pure decisions about requests and policies
    models       topics and subscriptions
    messages     what each protocol delivers. Pure
    publisher    sends a message to the subscriptions of a topic
    endpoints    functions, queues and the mailbox
    https        URLs
"""
