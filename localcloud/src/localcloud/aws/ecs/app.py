"""ECS's API over HTTP."""

from starlette.types import ASGIApp

from localcloud.aws.ecs.thread import EcsThread
from localcloud.aws.json_api import JsonApi
from localcloud.aws.protocol import CONTENT_TYPE_1_1, ServiceProtocol

TARGET_PREFIX = "AmazonEC2ContainerServiceV20141113"


def ecs_app(thread: EcsThread) -> ASGIApp:
    """Return an ASGI application for ECS's API."""
    return JsonApi(
        protocol=ServiceProtocol("ecs"),
        call=thread.call,
        content_type=CONTENT_TYPE_1_1,
        internal_error="ServerException",
    )
