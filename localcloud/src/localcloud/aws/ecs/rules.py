"""What ECS refuses beyond the shapes of its API. Pure.

Sources: the API reference (RegisterTaskDefinition, CreateService), the developer guide (task
definition parameters for Fargate, Fargate task networking) and public reports of the messages.
"""

import re
from collections.abc import Iterator

from localcloud.aws.ecs.models import DeploymentRules, JsonObject, TaskDefinition
from localcloud.aws.elbv2.targets import TargetGroupInfo

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
_MAX_STOP_TIMEOUT = 120
_MAX_PERCENT = 200
_MAX_GRACE_PERIOD = 2_147_483_647
_MAX_SUBNETS = 16
_MAX_SECURITY_GROUPS = 5
_GIBIBYTE = 1024
_MEMORY_FOR_CPU: dict[int, frozenset[int]] = {
    256: frozenset({512, 1024, 2048}),
    512: frozenset(range(1024, 4096 + 1, _GIBIBYTE)),
    1024: frozenset(range(2048, 8192 + 1, _GIBIBYTE)),
    2048: frozenset(range(4096, 16384 + 1, _GIBIBYTE)),
    4096: frozenset(range(8192, 30720 + 1, _GIBIBYTE)),
    8192: frozenset(range(16384, 61440 + 1, 4 * _GIBIBYTE)),
    16384: frozenset(range(32768, 122880 + 1, 8 * _GIBIBYTE)),
}
"""Source: the developer guide, task definition parameters for Fargate, task size."""
_UNITS = 1024
_NANO_SUFFIXES = ((" vCPU", "vCPU"), (" GB", "GB"))


def size(text: str) -> str:
    """Convert a task's CPU or memory to units or MiB, as DescribeTaskDefinition returns it."""
    for suffixes in _NANO_SUFFIXES:
        for suffix in suffixes:
            if text.endswith(suffix):
                return str(int(float(text.removesuffix(suffix).strip()) * _UNITS))
    return text


def valid_name(name: str) -> bool:
    """Return whether a cluster, service or family can have a name."""
    return _NAME.fullmatch(name) is not None


def task_definition_problem(request: JsonObject) -> str | None:
    """Return the first problem of a task definition with ECS's message; None without one."""
    return next(_task_definition_problems(request), None)


def _task_definition_problems(request: JsonObject) -> Iterator[str]:
    containers = request["containerDefinitions"]
    if not valid_name(request["family"]):
        yield "Family contains invalid characters."
    if request.get("requiresCompatibilities") != ["FARGATE"]:
        yield "requiresCompatibilities must be FARGATE: the stand-in has no other launch type."
    if request.get("networkMode") != "awsvpc":
        yield "Fargate only supports network mode awsvpc."
    if len(containers) != 1:
        yield "The stand-in runs tasks with exactly one container."
    yield from _size_problems(request)
    for container in containers:
        yield from _container_problems(request, container)


def _size_problems(request: JsonObject) -> Iterator[str]:
    cpu, memory = size(request.get("cpu", "")), size(request.get("memory", ""))
    if not cpu.isdecimal():
        yield "Invalid 'cpu' setting for task."
    elif not memory.isdecimal():
        yield "Invalid 'memory' setting for task."
    elif int(memory) not in _MEMORY_FOR_CPU.get(int(cpu), frozenset()):
        yield (
            f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See "
            "the Amazon ECS documentation for the valid values."
        )


def _container_problems(request: JsonObject, container: JsonObject) -> Iterator[str]:
    name = container.get("name", "")
    if not name or not container.get("image"):
        yield "Container.name and Container.image must not be null or empty."
    if int(container.get("memory", 0)) > int(size(request.get("memory", "0"))):
        yield f"The 'memory' setting for container '{name}' is greater than for the task."
    if "executionRoleArn" not in request:
        yield "Fargate requires task definition to have execution role ARN to support ECR images."
    if container.get("stopTimeout", 0) > _MAX_STOP_TIMEOUT:
        yield f"The max stop timeout value is {_MAX_STOP_TIMEOUT} seconds."
    yield from _port_problems(container.get("portMappings", []))
    yield from _name_problems(container)
    log = container.get("logConfiguration")
    if log is not None:
        for option in ("awslogs-group", "awslogs-region", "awslogs-stream-prefix"):
            if option not in log.get("options", {}):
                yield f"Log driver awslogs requires options: {option}"


def _name_problems(container: JsonObject) -> Iterator[str]:
    secrets = [each["name"] for each in container.get("secrets", [])]
    variables = [each.get("name") for each in container.get("environment", [])]
    for name in secrets:
        if secrets.count(name) + variables.count(name) > 1:
            yield (
                "The secret name must be unique and not shared with any new or existing "
                f"environment variables set on the container, such as '{name}'."
            )


def _port_problems(mappings: list[JsonObject]) -> Iterator[str]:
    if len(mappings) > 1:
        yield "The stand-in publishes one port of a container."
    for mapping in mappings:
        if mapping.get("hostPort", mapping["containerPort"]) != mapping["containerPort"]:
            yield (
                "When networkMode=awsvpc, the host ports and container ports in port mappings must "
                "match."
            )


def registered(request: JsonObject) -> JsonObject:
    """Complete a task definition's settings with ECS's defaults."""
    settings = {key: value for key, value in request.items() if key not in {"tags", "family"}}
    containers = [
        {
            "cpu": 0,
            "essential": True,
            "environment": [],
            "mountPoints": [],
            "volumesFrom": [],
            "systemControls": [],
            **container,
            "portMappings": [
                {"protocol": "tcp", "hostPort": mapping["containerPort"], **mapping}
                for mapping in container.get("portMappings", [])
            ],
        }
        for container in request["containerDefinitions"]
    ]
    return {
        **settings,
        "cpu": size(request["cpu"]),
        "memory": size(request["memory"]),
        "containerDefinitions": containers,
        "volumes": [],
        "placementConstraints": [],
        "compatibilities": ["EC2", "FARGATE"],
    }


def deployment_problem(rules: DeploymentRules) -> str | None:
    """Return what is wrong with a service's DeploymentConfiguration; None if nothing is."""
    minimum, maximum = rules.minimum_healthy_percent, rules.maximum_percent
    if not 0 <= minimum <= _MAX_PERCENT or not 0 < maximum <= _MAX_PERCENT:
        return f"minimumHealthyPercent and maximumPercent must be at most {_MAX_PERCENT}."
    if minimum == maximum:
        return (
            f"Both maximumPercent and minimumHealthyPercent cannot be {maximum} as this will block "
            "deployments"
        )
    if minimum > maximum:
        return "minimumHealthyPercent must be less than maximumPercent."
    return None


def network_problem(configuration: JsonObject) -> str | None:
    """Return what is wrong with a service's NetworkConfiguration; None if nothing is."""
    vpc = configuration.get("awsvpcConfiguration")
    if vpc is None:
        return "Network Configuration must be provided when networkMode 'awsvpc' is specified."
    if not vpc["subnets"]:
        return "subnets can not be empty."
    if len(vpc["subnets"]) > _MAX_SUBNETS:
        return f"subnets can have at most {_MAX_SUBNETS} items."
    if len(vpc.get("securityGroups", ())) > _MAX_SECURITY_GROUPS:
        return f"securityGroups can have at most {_MAX_SECURITY_GROUPS} items."
    return None


def load_balancer_problem(
    load_balancers: list[JsonObject], definition: TaskDefinition, group: TargetGroupInfo | None
) -> str | None:
    """Return the first problem of a service's load balancers; None without one.

    Args:
        load_balancers: the request's, at least one.
        definition: the service's task definition.
        group: the target group of the first of them; None if it doesn't exist.
    """
    return next(_load_balancer_problems(load_balancers, definition, group), None)


def _load_balancer_problems(
    load_balancers: list[JsonObject], definition: TaskDefinition, group: TargetGroupInfo | None
) -> Iterator[str]:
    first = load_balancers[0]
    if len(load_balancers) > 1:
        yield "The stand-in registers a service with one target group."
    if not {"targetGroupArn", "containerName", "containerPort"} <= first.keys():
        yield "loadBalancers need a targetGroupArn, a containerName and a containerPort."
        return
    if problem := balanced_container_problem(first, definition):
        yield problem
    if group is None:
        yield f"Target group {first['targetGroupArn']} does not exist."
        return
    if group.target_type != "ip":
        yield (
            f"The provided target group {group.arn} has target type {group.target_type}, which is "
            "incompatible with the awsvpc network mode specified in the task definition."
        )
    if not group.load_balancer_arns:
        yield (
            f"The target group with targetGroupArn {group.arn} does not have an associated load "
            "balancer."
        )


def balanced_container_problem(load_balancer: JsonObject, definition: TaskDefinition) -> str | None:
    """Return what a task definition lacks of a service's load balancer; None if nothing."""
    name, port = load_balancer["containerName"], load_balancer["containerPort"]
    if name != definition.container["name"]:
        return f"The container {name} does not exist in the task definition."
    if port != definition.port:
        return f"The container {name} did not have a container port {port} defined."
    return None


def grace_period_problem(seconds: int, *, balanced: bool) -> str | None:
    """Return what is wrong with a service's healthCheckGracePeriodSeconds; None if nothing is."""
    if seconds and not balanced:
        return (
            "Health check grace period is only valid for services configured to use load balancers"
        )
    if not 0 <= seconds <= _MAX_GRACE_PERIOD:
        return f"healthCheckGracePeriodSeconds must be from 0 to {_MAX_GRACE_PERIOD}."
    return None
