"""The server's container in a task definition. Pure."""

import json
from collections.abc import Mapping
from typing import Final

from components.hosting.environment import PORT

CONTAINER: Final = "server"
# The image's own; written here so that no image can run as root.
_USER: Final = "65532:65532"
# The server ends running calls for up to 65 s; ECS allows at most 120.
# Source: ContainerDefinition in the Amazon ECS API reference.
STOP_SECONDS: Final = 75
# A server that logs faster than CloudWatch accepts loses lines rather than waiting for them.
_LOG_BUFFER: Final = "4m"


def container_definitions(
    *, image: str, environment: Mapping[str, str], log_group: str, region: str
) -> str:
    """Return the task's only container, as JSON.

    Args:
        image: the image by digest.
        environment: the server's variables.
        log_group: name of the log group that the container writes to.
        region: the log group's region.
    """
    container = {
        "name": CONTAINER,
        "image": image,
        "essential": True,
        "user": _USER,
        "readonlyRootFilesystem": True,
        "stopTimeout": STOP_SECONDS,
        "portMappings": [{"containerPort": PORT, "protocol": "tcp"}],
        "environment": [
            {"name": name, "value": value} for name, value in sorted(environment.items())
        ],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group,
                "awslogs-region": region,
                "awslogs-stream-prefix": CONTAINER,
                "mode": "non-blocking",
                "max-buffer-size": _LOG_BUFFER,
            },
        },
    }
    return json.dumps([container])
