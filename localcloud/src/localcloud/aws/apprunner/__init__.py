"""App Runner: its API, its deployments, and the path of a request to an instance.

From the API to the containers, each starts or calls the next:

    app                 validates an API request, and encodes the response
    thread              runs everything below on a separate event loop
    operations          one handler per operation of the API
    controller          one service: its operations, one at a time, and their deployments
    proxy               one service: the HTTPS port, and the path of each request to an instance
    instance_group      one deployment: starts, checks, replaces, scales and drains instances
    containers          instances as containers; localcloud.aws.containers runs them

What they share:

    requests            the API's requests, typed
    models              services, their configuration and their operations
    revisions           resources that services share, such as auto scaling configurations
    revision_kinds      the three kinds of these
    rules               pure decisions: which requests are refused
    health, scaling     pure decisions: when an instance is healthy, how many a service needs
    request_counter     counts a service's requests
    metrics             CloudWatch metrics from these counts; metrics_reporter sends them
    logs                App Runner's log streams

"""
