"""Application Auto Scaling's API over HTTP."""

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from localcloud.aws import control
from localcloud.aws.autoscaling.operations import ApplicationAutoScaling
from localcloud.aws.autoscaling.scaler import Scaler
from localcloud.aws.json_api import JsonApi
from localcloud.aws.protocol import CONTENT_TYPE_1_1, ApiError, ServiceProtocol

SERVICE = "application-autoscaling"
"""Its name in signatures."""
TARGET_PREFIX = "AnyScaleFrontendService"


def autoscaling_app(operations: ApplicationAutoScaling) -> ASGIApp:
    """Return an ASGI application for Application Auto Scaling's API."""
    return JsonApi(
        protocol=ServiceProtocol(SERVICE),
        call=operations.call,
        content_type=CONTENT_TYPE_1_1,
        internal_error="InternalServiceException",
    )


def set_scaling_minute(scaler: Scaler, metrics_period: float) -> control.Operation:
    """Return the operation of the stand-in that shortens the minutes of scaling.

    Args:
        scaler: what it changes.
        metrics_period: seconds between two reports of the metrics, the shortest minute.
    """

    async def operation(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        seconds = control.number(parameters, "Seconds")
        if seconds < max(1.0, metrics_period) or seconds != int(seconds):
            raise ApiError(
                "ValidationException",
                f"Seconds must be a whole number, and at least {max(1.0, metrics_period):g}:"
                " metrics are reported no more often (--metrics-period).",
            )
        scaler.minute = int(seconds)
        return {}

    return operation
