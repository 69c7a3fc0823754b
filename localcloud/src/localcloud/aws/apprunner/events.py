"""The events that App Runner sends to EventBridge. Pure.

Source: "Handling App Runner events in EventBridge" in the App Runner developer guide. The code of
an operation's start and the severity of a failure aren't in its text.
"""

from enum import StrEnum
from typing import Final

from localcloud.aws.apprunner.models import OperationType, Service, ServiceStatus
from localcloud.aws.service_events import ServiceEvent

_SOURCE: Final = "aws.apprunner"
_FAILED_STATUSES: Final = frozenset({ServiceStatus.CREATE_FAILED, ServiceStatus.DELETE_FAILED})
_CODES: Final = {
    OperationType.CREATE_SERVICE: ("CreateService", "Service creation"),
    OperationType.UPDATE_SERVICE: ("UpdateService", "Service update"),
    OperationType.DELETE_SERVICE: ("DeleteService", "Service deletion"),
    OperationType.PAUSE_SERVICE: ("PauseService", "Service pause"),
    OperationType.RESUME_SERVICE: ("ResumeService", "Service resume"),
    OperationType.START_DEPLOYMENT: ("Deployment", "Deployment"),
}


class Outcome(StrEnum):
    """What became of an operation, as the end of its status code."""

    STARTED = "Started"
    SUCCEEDED = "CompletedSuccessfully"
    FAILED = "Failed"


def status_event(service: Service, previous: ServiceStatus) -> ServiceEvent:
    """Return the event of a service's new status."""
    failed = service.status in _FAILED_STATUSES
    return ServiceEvent(
        source=_SOURCE,
        detail_type="AppRunner Service Status Change",
        resources=(service.arn,),
        detail={
            "PreviousStatus": previous.value,
            "CurrentStatus": service.status.value,
            "ServiceName": service.name,
            "ServiceId": service.id,
            "Message": f"Service status is set to {service.status}.",
            "Severity": "ERROR" if failed else "INFO",
        },
        at=service.updated_at.timestamp(),
    )


def operation_event(
    service: Service, kind: OperationType, outcome: Outcome, at: float
) -> ServiceEvent:
    """Return the event of an operation's new status."""
    code, noun = _CODES[kind]
    message = {
        Outcome.STARTED: f"{noun} started.",
        Outcome.SUCCEEDED: f"{noun} completed successfully.",
        Outcome.FAILED: f"{noun} failed. For details, see service logs.",
    }[outcome]
    if (kind, outcome) == (OperationType.UPDATE_SERVICE, Outcome.SUCCEEDED):
        message += " New application and configuration is deployed."
    return ServiceEvent(
        source=_SOURCE,
        detail_type="AppRunner Service Operation Status Change",
        resources=(service.arn,),
        detail={
            "operationStatus": f"{code}{outcome}",
            "ServiceName": service.name,
            "ServiceId": service.id,
            "Message": message,
            "Severity": "ERROR" if outcome is Outcome.FAILED else "INFO",
        },
        at=at,
    )
