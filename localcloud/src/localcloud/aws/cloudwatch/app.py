"""CloudWatch's API over HTTP."""

from typing import Final

from starlette.types import ASGIApp

from localcloud.aws.cloudwatch.operations import CloudWatch
from localcloud.aws.json_api import JsonApi
from localcloud.aws.protocol import CONTENT_TYPE, ServiceProtocol

SERVICE: Final = "monitoring"
"""Its name in signatures."""
TARGET_PREFIX: Final = "GraniteServiceVersion20100801"


def cloudwatch_app(cloudwatch: CloudWatch) -> ASGIApp:
    """Return an ASGI application for CloudWatch's API."""
    return JsonApi(
        protocol=ServiceProtocol("cloudwatch"),
        call=cloudwatch.call,
        content_type=CONTENT_TYPE,
        internal_error="InternalServiceFault",
    )
