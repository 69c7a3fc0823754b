"""Service deployments: how the API reports the progress of a deployment and its rollback.

A deployment in DescribeServices is one revision of a service; a service deployment is the move to
it, including a rollback. The revision's number is the number of the deployment.
"""

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from localcloud.aws.ecs import scheduler
from localcloud.aws.ecs.models import Deployment, JsonObject, Service, from_timestamp

_ID_CHARACTERS = string.ascii_letters + string.digits + "_-"
_ID_LENGTH = 21
ROLLED_BACK = "Service deployment rolled back because the circuit breaker threshold was exceeded."
FAILED = "Service deployment failed because the circuit breaker threshold was exceeded."
SUPERSEDED = "Service deployment stopped because a newer service deployment was started."


class ServiceDeploymentStatus(StrEnum):
    """The states of a service deployment (API reference, ServiceDeployment)."""

    IN_PROGRESS = "IN_PROGRESS"
    SUCCESSFUL = "SUCCESSFUL"
    STOPPED = "STOPPED"
    ROLLBACK_IN_PROGRESS = "ROLLBACK_IN_PROGRESS"
    ROLLBACK_SUCCESSFUL = "ROLLBACK_SUCCESSFUL"
    ROLLBACK_FAILED = "ROLLBACK_FAILED"


_UNFINISHED = {ServiceDeploymentStatus.IN_PROGRESS, ServiceDeploymentStatus.ROLLBACK_IN_PROGRESS}


def _new_id() -> str:
    return "".join(secrets.choice(_ID_CHARACTERS) for _ in range(_ID_LENGTH))


def revision_arn(service: Service, deployment: Deployment) -> str:
    """Return the ARN of the service revision that a deployment deploys."""
    path = service.arn.replace(":service/", ":service-revision/")
    return f"{path}/{deployment.id.removeprefix('ecs-svc/')}"


@dataclass(kw_only=True, eq=False)
class ServiceDeployment:
    """The move of a service to a revision.

    Attributes:
        target: the revision.
        sources: the revisions that it replaces.
        rollback: the revision that it was rolled back to, if it was.
    """

    service: Service
    target: Deployment
    sources: tuple[Deployment, ...]
    created_at: float
    id: str = field(default_factory=_new_id)
    status: ServiceDeploymentStatus = ServiceDeploymentStatus.IN_PROGRESS
    reason: str | None = None
    rollback: Deployment | None = None
    rollback_at: float | None = None
    updated_at: float | None = None
    finished_at: float | None = None

    @property
    def arn(self) -> str:
        """Its ARN."""
        path = self.service.arn.replace(":service/", ":service-deployment/")
        return f"{path}/{self.id}"

    @property
    def unfinished(self) -> bool:
        """Whether it is in progress."""
        return self.status in _UNFINISHED

    def stop(self, reason: str, at: float) -> None:
        """End it without success, unless it has ended."""
        if self.unfinished:
            rolling_back = self.rollback is not None
            failed = ServiceDeploymentStatus.ROLLBACK_FAILED
            self._move_to(failed if rolling_back else ServiceDeploymentStatus.STOPPED, reason, at)

    def roll_back(self, to: Deployment, at: float) -> None:
        """Start a rollback."""
        self.rollback, self.rollback_at = to, at
        self._move_to(ServiceDeploymentStatus.ROLLBACK_IN_PROGRESS, ROLLED_BACK, at)

    def complete(self, at: float) -> None:
        """End it, or its rollback, with success, unless it has ended."""
        if self.status is ServiceDeploymentStatus.ROLLBACK_IN_PROGRESS:
            self._move_to(ServiceDeploymentStatus.ROLLBACK_SUCCESSFUL, ROLLED_BACK, at)
        elif self.unfinished:
            self._move_to(ServiceDeploymentStatus.SUCCESSFUL, None, at)

    def _move_to(self, status: ServiceDeploymentStatus, reason: str | None, at: float) -> None:
        self.status, self.reason, self.updated_at = status, reason, at
        self.finished_at = None if status in _UNFINISHED else at

    def summary(self) -> JsonObject:
        """Return the API's ServiceDeploymentBrief."""
        return {
            "serviceDeploymentArn": self.arn,
            "serviceArn": self.service.arn,
            "clusterArn": self.service.cluster_arn,
            "createdAt": from_timestamp(self.created_at),
            "startedAt": from_timestamp(self.created_at),
            "finishedAt": from_timestamp(self.finished_at),
            "targetServiceRevisionArn": revision_arn(self.service, self.target),
            "status": self.status.value,
            "statusReason": self.reason,
        }

    def description(self) -> JsonObject:
        """Return the API's ServiceDeployment."""
        summary = self.summary()
        del summary["targetServiceRevisionArn"]
        rollback = self.rollback and {
            "reason": ROLLED_BACK,
            "startedAt": from_timestamp(self.rollback_at),
            "serviceRevisionArn": revision_arn(self.service, self.rollback),
        }
        return {
            **summary,
            "updatedAt": from_timestamp(self.updated_at or self.created_at),
            "sourceServiceRevisions": [self._revision(each) for each in self.sources],
            "targetServiceRevision": self._revision(self.target),
            "deploymentConfiguration": self.service.rules.description(),
            "rollback": rollback,
            "deploymentCircuitBreaker": self._circuit_breaker(),
        }

    def _revision(self, deployment: Deployment) -> JsonObject:
        counts = deployment.description(self.service.tasks)
        return {
            "arn": revision_arn(self.service, deployment),
            "requestedTaskCount": counts["desiredCount"],
            "runningTaskCount": counts["runningCount"],
            "pendingTaskCount": counts["pendingCount"],
        }

    def _circuit_breaker(self) -> Mapping[str, Any]:
        if not self.service.rules.circuit_breaker.enabled:
            return {"status": "DISABLED", "failureCount": 0, "threshold": 0}
        status = "MONITORING_COMPLETE" if self.finished_at is not None else "MONITORING"
        return {
            "status": "TRIGGERED" if self.reason in {ROLLED_BACK, FAILED} else status,
            "failureCount": self.target.failed_tasks,
            "threshold": scheduler.failure_threshold(self.service.desired),
        }
