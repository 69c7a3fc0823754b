"""Elastic Load Balancing: Application Load Balancers that forward to targets by IP address.

Its modules:

    app             the API over HTTP
    operations      the API's operations
    attributes      the attributes of load balancers and target groups. Pure
    rules           what requests must satisfy. Pure
    models          load balancers, listeners and target groups
    descriptions    the shapes of the API. Pure
    network         the subnets, security groups and certificates that load balancers use
    service         runs load balancers and target groups
    front           a listener's port
    forwarded       the headers that a target receives. Pure
    pool            a target group's targets: which one receives a request, and draining
    health          a target's health, after the checks so far
    metrics         the metrics in CloudWatch. Pure
    reporter        sends them at regular intervals
    counts          the requests, counted for the metrics
    targets         what other services use: they register targets, and read their health
"""
