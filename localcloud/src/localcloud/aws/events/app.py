"""EventBridge's API over HTTP."""

from starlette.types import ASGIApp

from localcloud.aws.events.operations import EventBridge
from localcloud.aws.json_api import JsonApi
from localcloud.aws.protocol import CONTENT_TYPE_1_1, ServiceProtocol

TARGET_PREFIX = "AWSEvents"


def events_app(event_bridge: EventBridge) -> ASGIApp:
    """Return an ASGI application for EventBridge's API."""
    return JsonApi(
        protocol=ServiceProtocol("events"),
        call=event_bridge.call,
        content_type=CONTENT_TYPE_1_1,
        internal_error="InternalException",
    )
