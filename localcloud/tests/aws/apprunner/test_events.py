"""The events of a service: its status, and its operations."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import pytest

from aws.apprunner.conftest import FakeEngine, hello, until
from localcloud.aws.apprunner.controller import Platform, ServiceController, Timing
from localcloud.aws.apprunner.models import (
    OperationType,
    Service,
    ServiceConfiguration,
)
from localcloud.aws.apprunner.scaling import ScalingLimits
from localcloud.aws.ecr.models import Registry
from localcloud.aws.service_events import ServiceEvent

if TYPE_CHECKING:
    from localcloud.aws.account import Account
    from localcloud.aws.apprunner.containers import InstanceEngine

ARN = "arn:aws:apprunner:us-east-1:000000000000:service/server/1"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/server:1"


class PullingEngine(FakeEngine):
    """Has every image."""

    async def pull(self, _image: str, login: Mapping[str, str]) -> None:
        assert login


@dataclass
class FakeAccount:
    """An account with an image that may be pulled."""

    account_id: str = "000000000000"
    digest: str | None = "sha256:1"
    log: list[str] = field(default_factory=list)

    async def denied_pull_actions(self, *_: object) -> list[str]:
        return []

    async def image_digest(self, *_: object) -> str | None:
        return self.digest

    async def put_log_events(
        self, _group: str, _stream: str, events: Sequence[tuple[int, str]]
    ) -> None:
        self.log += [message for _, message in events]

    async def put_metrics(self, _namespace: str, _data: Sequence[Mapping[str, Any]]) -> None:
        pass


@dataclass(frozen=True, kw_only=True)
class Running:
    """A service, and what it has sent."""

    account: FakeAccount
    controller: ServiceController
    events: list[ServiceEvent]

    async def finish(self, kind: OperationType) -> list[str]:
        """Run an operation to its end, and return the codes and statuses that were sent."""
        first = len(self.events)
        self.controller.begin(kind)
        await until(self._settled(first))
        return [
            str(each.detail.get("operationStatus") or each.detail["CurrentStatus"])
            for each in self.events[first:]
        ]

    def _settled(self, first: int) -> Callable[[], bool]:
        """Return whether an operation has sent its last event."""
        ends = ("CompletedSuccessfully", "Failed")
        return lambda: any(
            str(each.detail.get("operationStatus")).endswith(ends) for each in self.events[first:]
        )


def _configuration() -> ServiceConfiguration:
    return ServiceConfiguration.merged(
        {
            "SourceConfiguration": {
                "ImageRepository": {"ImageIdentifier": IMAGE, "ImageRepositoryType": "ECR"},
                "AuthenticationConfiguration": {"AccessRoleArn": "arn:role"},
            },
            "HealthCheckConfiguration": {"Protocol": "HTTP", "Path": "/health", "Interval": 1},
        },
        "arn:scaling",
        None,
    )


@pytest.fixture
async def running(session: aiohttp.ClientSession) -> AsyncIterator[Running]:
    account, events, engine = FakeAccount(), list[ServiceEvent](), PullingEngine(hello)
    service = Service(
        name="server", arn=ARN, url="localhost:1", configuration=_configuration(), id="1"
    )
    platform = Platform(
        engine=cast("InstanceEngine", engine),
        account=cast("Account", account),
        registry=Registry(
            aws_host="000000000000.dkr.ecr.us-east-1.amazonaws.com", local_host="localhost:4566"
        ),
        session=session,
        timing=Timing(request_timeout=1, stop_grace=1),
        send_event=events.append,
    )
    controller = ServiceController(
        service,
        platform,
        lambda _: ScalingLimits(max_concurrency=100, min_size=1, max_size=1),
        lambda: asyncio.sleep(0),
    )
    yield Running(account=account, controller=controller, events=events)
    await controller.stop()
    await engine.close()


async def test_a_failed_update_is_reported_although_the_service_runs_again(
    running: Running,
) -> None:
    assert await running.finish(OperationType.CREATE_SERVICE) == [
        "CreateServiceStarted",
        "RUNNING",
        "CreateServiceCompletedSuccessfully",
    ]
    running.account.digest = None
    assert await running.finish(OperationType.START_DEPLOYMENT) == [
        "OPERATION_IN_PROGRESS",
        "DeploymentStarted",
        "DeploymentFailed",
        "RUNNING",
    ]
    [failed] = [
        each for each in running.events if each.detail.get("operationStatus") == "DeploymentFailed"
    ]
    assert (failed.source, failed.resources) == ("aws.apprunner", (ARN,))
    assert failed.detail_type == "AppRunner Service Operation Status Change"
    assert failed.detail == {
        "operationStatus": "DeploymentFailed",
        "ServiceName": "server",
        "ServiceId": "1",
        "Message": "Deployment failed. For details, see service logs.",
        "Severity": "ERROR",
    }
    assert running.events[-1].detail == {
        "PreviousStatus": "OPERATION_IN_PROGRESS",
        "CurrentStatus": "RUNNING",
        "ServiceName": "server",
        "ServiceId": "1",
        "Message": "Service status is set to RUNNING.",
        "Severity": "INFO",
    }


async def test_a_failed_creation_is_reported(running: Running) -> None:
    running.account.digest = None
    assert await running.finish(OperationType.CREATE_SERVICE) == [
        "CreateServiceStarted",
        "CreateServiceFailed",
        "CREATE_FAILED",
    ]


async def test_a_pause_and_a_deletion_are_reported(running: Running) -> None:
    await running.finish(OperationType.CREATE_SERVICE)
    assert await running.finish(OperationType.PAUSE_SERVICE) == [
        "OPERATION_IN_PROGRESS",
        "PauseServiceStarted",
        "PAUSED",
        "PauseServiceCompletedSuccessfully",
    ]
    assert await running.finish(OperationType.DELETE_SERVICE) == [
        "OPERATION_IN_PROGRESS",
        "DeleteServiceStarted",
        "DELETED",
        "DeleteServiceCompletedSuccessfully",
    ]
