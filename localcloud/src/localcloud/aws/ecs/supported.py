"""What the stand-in supports of ECS's requests; everything else is refused by name. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

Supported = Mapping[str, Any]
"""The supported members of a structure. The value is None for any value, a structure's or a list's
members again, or a frozenset of the only values."""

CLUSTER: Supported = {
    "clusterName": None,
    "tags": None,
    "settings": {"name": frozenset({"containerInsights"}), "value": frozenset({"disabled"})},
}
CONTAINER: Supported = {
    "name": None,
    "image": None,
    "cpu": None,
    "memory": None,
    "memoryReservation": None,
    "portMappings": {
        "containerPort": None,
        "hostPort": None,
        "protocol": frozenset({"tcp"}),
        "name": None,
    },
    "essential": frozenset({True}),
    "entryPoint": None,
    "command": None,
    "environment": None,
    "secrets": None,
    "linuxParameters": {"initProcessEnabled": None, "capabilities": {"drop": None}},
    "stopTimeout": None,
    "user": None,
    "workingDirectory": None,
    "readonlyRootFilesystem": None,
    "logConfiguration": {
        "logDriver": frozenset({"awslogs"}),
        "options": {
            "awslogs-group": None,
            "awslogs-region": None,
            "awslogs-stream-prefix": None,
            "mode": None,
            "max-buffer-size": None,
        },
    },
    "versionConsistency": None,
}
TASK_DEFINITION: Supported = {
    "family": None,
    "taskRoleArn": None,
    "executionRoleArn": None,
    "networkMode": frozenset({"awsvpc"}),
    "containerDefinitions": CONTAINER,
    "requiresCompatibilities": None,
    "cpu": None,
    "memory": None,
    "tags": None,
    "runtimePlatform": {
        "cpuArchitecture": frozenset({"X86_64"}),
        "operatingSystemFamily": frozenset({"LINUX"}),
    },
}
_SERVICE: Supported = {
    "cluster": None,
    "taskDefinition": None,
    "desiredCount": None,
    "platformVersion": frozenset({"LATEST", "1.4.0"}),
    "deploymentConfiguration": {
        "deploymentCircuitBreaker": {"enable": None, "rollback": None},
        "maximumPercent": None,
        "minimumHealthyPercent": None,
        "strategy": frozenset({"ROLLING"}),
        # Terraform's provider sends the default with every update.
        "bakeTimeInMinutes": frozenset({0}),
    },
    "networkConfiguration": {
        "awsvpcConfiguration": {"subnets": None, "securityGroups": None, "assignPublicIp": None}
    },
    "loadBalancers": {"targetGroupArn": None, "containerName": None, "containerPort": None},
    "healthCheckGracePeriodSeconds": None,
    "deploymentController": {"type": frozenset({"ECS"})},
    "propagateTags": frozenset({"NONE", "SERVICE", "TASK_DEFINITION"}),
    "availabilityZoneRebalancing": None,
}
CREATE_SERVICE: Supported = {
    **_SERVICE,
    "serviceName": None,
    "clientToken": None,
    "launchType": frozenset({"FARGATE"}),
    "schedulingStrategy": frozenset({"REPLICA"}),
    "tags": None,
}
UPDATE_SERVICE: Supported = {**_SERVICE, "service": None, "forceNewDeployment": None}
LIST_SERVICES: Supported = {
    "cluster": None,
    "launchType": frozenset({"FARGATE"}),
    "schedulingStrategy": frozenset({"REPLICA"}),
    "resourceManagementType": frozenset({"CUSTOMER"}),
    "maxResults": None,
    "nextToken": None,
}
LIST_TASKS: Supported = {
    "cluster": None,
    "serviceName": None,
    "family": None,
    "startedBy": None,
    "desiredStatus": None,
    "launchType": frozenset({"FARGATE"}),
    "maxResults": None,
    "nextToken": None,
}

_ABSENT: tuple[object, ...] = (None, "", False, 0, [], {})


def unsupported(value: object, supported: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - nested tables
    """Yield a sentence for each member of a request that the stand-in doesn't support.

    Args:
        value: the request, or a part of it.
        supported: what is supported of it.
        path: the part's name.
    """
    if supported is None:
        return
    if isinstance(supported, frozenset):
        if value not in supported:
            known = ", ".join(sorted(map(str, supported)))
            yield f"{path} {value!r} is not supported by the stand-in's ECS, only: {known}."
    elif isinstance(value, list):
        for item in value:
            yield from unsupported(item, supported, path)
    elif isinstance(value, dict):
        for name, member in value.items():
            where = f"{path}.{name}" if path else name
            if name in supported:
                yield from unsupported(member, supported[name], where)
            elif member not in _ABSENT:
                yield f"{where} is not supported by the stand-in's ECS."
