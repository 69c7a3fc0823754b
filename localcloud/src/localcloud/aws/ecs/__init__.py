"""ECS on Fargate: its API, the deployments of services, and their tasks as containers.

From the API to the containers, each starts or calls the next:

    app                 validates an API request, and encodes the response
    thread              runs everything below on a separate event loop
    operations          one handler per operation of the API
    task_definitions    those of task definitions
    controller          one service: starts, checks, replaces and stops its tasks, rolls out
    runner              one task: from the pull of its image to the end of its container

What they share:

    models              clusters, task definitions, services, deployments and tasks
    service_deployments the progress of a deployment and its rollback, as the API reports it
    requests            what the operations do with any request: names, limits and pages
    supported           which members of requests the stand-in supports
    rules               pure decisions: which requests are refused
    scheduler           pure decisions: which tasks are started and stopped, when a deployment fails
    metrics             CloudWatch metrics; metrics_reporter sends them
    network             pure decision: whether a task reaches what it needs to start
    placement           the subnet and the address of a task

"""
