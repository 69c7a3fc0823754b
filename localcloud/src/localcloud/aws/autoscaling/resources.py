"""The services that are scaled, and the metrics."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.aws.account import Account
from localcloud.aws.autoscaling.models import TrackedMetric
from localcloud.aws.cloudwatch.metrics import Metric
from localcloud.aws.cloudwatch.service import CloudWatchService


class ResourceError(Exception):
    """A service can't be read or changed."""


@dataclass(frozen=True, kw_only=True)
class ServiceInfo:
    """An ECS service.

    Attributes:
        desired: its desired count.
        is_deploying: whether a deployment is in progress.
        target_groups: the ARNs of its target groups.
    """

    desired: int
    is_deploying: bool
    target_groups: tuple[str, ...]


class Resources(Protocol):
    """What is scaled, and the metrics."""

    async def service(self, cluster: str, name: str) -> ServiceInfo | None:
        """Return a service; None if it doesn't exist."""

    async def set_desired(self, cluster: str, name: str, desired: int) -> None:
        """Set a service's desired count.

        Raises:
            ResourceError: ECS refuses it.
        """

    async def values(
        self, metric: TrackedMetric, *, end: float, period: int, count: int
    ) -> Sequence[float | None]:
        """Return a metric's values in the last periods, oldest first; None without data.

        Args:
            metric: the metric.
            end: the end of the last period, in seconds since the epoch; a multiple of the period.
            period: seconds.
            count: the number of periods.
        """


class AccountResources:
    """Reads and changes ECS through the endpoint, and reads metrics."""

    def __init__(self, account: Account, cloudwatch: CloudWatchService) -> None:
        """Create the client, without a request."""
        self._ecs = account.client("ecs")
        self._cloudwatch = cloudwatch

    async def service(self, cluster: str, name: str) -> ServiceInfo | None:
        """Return a service; None if it doesn't exist."""
        try:
            answer = await asyncio.to_thread(
                self._ecs.describe_services, cluster=cluster, services=[name]
            )
        except ClientError:
            return None
        for found in answer["services"]:
            if found["status"] == "ACTIVE":
                return ServiceInfo(
                    desired=found["desiredCount"],
                    is_deploying=len(found["deployments"]) > 1,
                    target_groups=tuple(
                        each["targetGroupArn"] for each in found.get("loadBalancers", ())
                    ),
                )
        return None

    async def set_desired(self, cluster: str, name: str, desired: int) -> None:
        """Set a service's desired count.

        Raises:
            ResourceError: ECS refuses it.
        """
        try:
            await asyncio.to_thread(
                self._ecs.update_service, cluster=cluster, service=name, desiredCount=desired
            )
        except (BotoCoreError, ClientError) as error:
            raise ResourceError(str(error)) from error

    async def values(
        self, metric: TrackedMetric, *, end: float, period: int, count: int
    ) -> Sequence[float | None]:
        """Return a metric's values in the last periods, oldest first; None without data."""
        tracked = Metric(
            namespace=metric.namespace,
            name=metric.name,
            dimensions=frozenset(metric.dimensions.items()),
        )
        return self._cloudwatch.statistics(
            tracked, metric.statistic, end=end, period=period, count=count
        )
