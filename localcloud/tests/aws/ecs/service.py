"""ECS without HTTP and containers, with a clock that the tests control."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from aws.secretsmanager.service import Clock
from localcloud.aws.containers import (
    ContainerEngine,
    ContainerSettings,
    EngineError,
    RunningContainer,
)
from localcloud.aws.context import ServiceContext
from localcloud.aws.ecr.models import Registry
from localcloud.aws.ecs.controller import ServiceController, Timing
from localcloud.aws.ecs.models import JsonObject, Task
from localcloud.aws.ecs.operations import Ecs
from localcloud.aws.ecs.runner import TaskPlatform
from localcloud.aws.elbv2.targets import Target, TargetGroupInfo, TargetHealth, TargetState
from localcloud.aws.log_sender import LogSender

if TYPE_CHECKING:
    from localcloud.aws.account import Account
    from localcloud.aws.service_events import ServiceEvent

ACCOUNT = "000000000000"
REGION = "us-east-1"
GROUP = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/server/1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/execution"
_AWS_REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
_TIME_LIMIT = 10


@dataclass
class FakeContainer:
    """Records how it was stopped, and then exits."""

    id: str
    exited: "asyncio.Future[int]"
    loop: asyncio.AbstractEventLoop
    stopped_after: int | None = None

    def stop(self, timeout: int) -> None:
        self.stopped_after = timeout
        self.loop.call_soon_threadsafe(self.exit, 0)

    def remove(self, *, force: bool, v: bool) -> None:
        assert force
        assert v

    def exit(self, code: int) -> None:
        if not self.exited.done():
            self.exited.set_result(code)


@dataclass
class FakeEngine:
    """Starts nothing, and lets a test end a container."""

    containers: list[FakeContainer] = field(default_factory=list)
    settings: list[ContainerSettings] = field(default_factory=list)
    fails: bool = False
    exits_with: int | None = None

    async def pull(self, image: str, login: Mapping[str, str]) -> None:
        assert image.startswith("localhost:4566/server@sha256:")
        assert login

    async def remove_unused_images(self, in_use: Sequence[str]) -> None:
        pass

    async def start(
        self, settings: ContainerSettings, on_output: Callable[[str], None]
    ) -> RunningContainer:
        if self.fails:
            raise EngineError("no")
        loop = asyncio.get_running_loop()
        container = FakeContainer(f"c{len(self.containers)}" * 8, loop.create_future(), loop)
        self.containers.append(container)
        self.settings.append(settings)
        on_output("started")
        if self.exits_with is not None:
            container.exit(self.exits_with)
        return RunningContainer(
            host="127.0.0.1", port=1, container=cast("Any", container), exited=container.exited
        )


@dataclass
class FakeAccount:
    """An account in which everything exists and is allowed, unless a test changes it."""

    account_id: str = ACCOUNT
    region: str = REGION
    trusted: bool = True
    denied: list[str] = field(default_factory=list)
    digest: str | None = "sha256:1"
    has_log_group: bool = True
    secrets: dict[str, str] = field(default_factory=dict)
    log_error: Exception | None = None

    async def trusts(self, role: str, service: str, context: Mapping[str, str]) -> bool:
        assert role == ROLE
        assert service == "ecs-tasks.amazonaws.com"
        assert context["aws:SourceAccount"] == ACCOUNT
        return self.trusted

    async def denied_pull_actions(
        self, _role: str, repository: str, _context: Mapping[str, str]
    ) -> list[str]:
        assert repository == "server"
        return [each for each in self.denied if each.startswith("ecr:")]

    async def denied_actions(
        self, _role: str, wanted: Sequence[tuple[str, str]], _context: Mapping[str, str]
    ) -> list[str]:
        return [action for action, _ in wanted if action in self.denied]

    async def image_digest(self, _repository: str, _reference: str) -> str | None:
        return self.digest

    async def secret(self, reference: str, _role: str, _context: Mapping[str, str]) -> str | None:
        return self.secrets.get(reference)

    async def create_log_stream(self, _group: str, _stream: str) -> bool:
        if self.log_error is not None:
            raise self.log_error
        return self.has_log_group

    async def subnets(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        if "subnet-missing" in ids:
            raise LookupError("The subnet ID 'subnet-missing' does not exist")
        return [
            {
                "SubnetId": each,
                "VpcId": "vpc-1",
                "CidrBlock": f"10.0.{number}.0/24",
                "AvailabilityZone": f"{REGION}{'abc'[number]}",
            }
            for number, each in enumerate(ids)
        ]

    async def route_tables(self, vpc_id: str) -> list[dict[str, Any]]:
        assert vpc_id == "vpc-1"
        default = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}
        return [{"Associations": [{"Main": True}], "Routes": [default]}]

    async def require_security_groups(self, ids: Sequence[str]) -> None:
        if "sg-missing" in ids:
            raise LookupError("The security group 'sg-missing' does not exist")


@dataclass
class FakeTargets:
    """One target group.

    Attributes:
        state: the health of a target unless `states` has one.
        draining: targets that were deregistered and have requests.
    """

    state: TargetState = TargetState.HEALTHY
    states: dict[str, TargetState] = field(default_factory=dict)
    registered: set[str] = field(default_factory=set)
    draining: dict[str, asyncio.Event] = field(default_factory=dict)
    busy: bool = False
    load_balancers: tuple[str, ...] = ("arn:load-balancer",)
    target_type: str = "ip"
    error: Exception | None = None

    async def target_group(self, arn: str) -> TargetGroupInfo | None:
        if arn != GROUP:
            return None
        return TargetGroupInfo(
            arn=arn,
            target_type=self.target_type,
            protocol="HTTP",
            port=8080,
            vpc_id="vpc-1",
            load_balancer_arns=self.load_balancers,
            deregistration_delay=70,
        )

    async def register(self, arn: str, target: Target, *, address: tuple[str, int]) -> None:
        assert arn == GROUP
        assert address == ("127.0.0.1", 1)
        if self.error is not None:
            raise self.error
        self.registered.add(target.id)

    async def deregister(self, _arn: str, target: Target) -> None:
        self.registered.discard(target.id)
        self.draining[target.id] = asyncio.Event()
        if not self.busy:
            self.draining[target.id].set()

    async def drained(self, _arn: str, target: Target) -> None:
        await self.draining[target.id].wait()

    async def health(self, _arn: str, target: Target) -> TargetHealth:
        if target.id not in self.registered:
            return TargetHealth(state=TargetState.UNUSED)
        state = self.states.get(target.id, self.state)
        return TargetHealth(state=state, reason="Target.FailedHealthChecks")


class EcsUnderTest:
    """ECS with a cluster, and what it runs on."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.engine = FakeEngine()
        self.account = FakeAccount()
        self.targets = FakeTargets()
        self.sent: list[ServiceEvent] = []
        self.log: list[tuple[str, str, str]] = []
        self.logs = LogSender(self._put_events, flush_period=0.01)
        registry = Registry(aws_host=_AWS_REGISTRY, local_host="localhost:4566")
        self.ecs = Ecs(
            TaskPlatform(
                engine=cast("ContainerEngine", self.engine),
                account=cast("Account", self.account),
                registry=registry,
                targets=self.targets,
                logs=self.logs,
                clock=self.clock,
                send_event=self.sent.append,
            ),
            ServiceContext(region=REGION, account_id=ACCOUNT, clock=self.clock),
            Timing(check_period=0.01),
        )

    async def _put_events(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        self.log += [(group, stream, message) for _, message in events]

    async def call(self, operation: str, **parameters: Any) -> JsonObject:  # noqa: ANN401 - any request
        return await self.ecs.call(operation, parameters)

    async def define(self, **container: Any) -> str:  # noqa: ANN401 - members of the API
        """Register a task definition with changes to its container, and return its ARN."""
        response = await self.call("RegisterTaskDefinition", **definition(container))
        return str(response["taskDefinition"]["taskDefinitionArn"])

    async def create(self, **changes: Any) -> ServiceController:  # noqa: ANN401 - members of the API
        """Create a cluster and a service."""
        await self.call("CreateCluster")
        if "taskDefinition" not in changes:
            changes["taskDefinition"] = await self.define()
        await self.call("CreateService", **service(**changes))
        return self.ecs.controllers[-1]

    async def running(self, **changes: Any) -> ServiceController:  # noqa: ANN401 - members of the API
        """Create a service and wait until it is steady."""
        controller = await self.create(**changes)
        await until(lambda: rollout(controller) == "COMPLETED")
        return controller

    async def close(self) -> None:
        await self.ecs.stop()
        await self.logs.close()


def definition(container: Mapping[str, Any] | None = None, **changes: Any) -> JsonObject:  # noqa: ANN401 - members of the API
    """Return a request for a task definition that works, with changes."""
    return {
        "family": "server",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": ROLE,
        "containerDefinitions": [
            {
                "name": "server",
                "image": f"{_AWS_REGISTRY}/server@sha256:1",
                "portMappings": [{"containerPort": 8080}],
                "stopTimeout": 75,
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {
                        "awslogs-group": "/ecs/server",
                        "awslogs-region": REGION,
                        "awslogs-stream-prefix": "mcp",
                    },
                },
                **(container or {}),
            }
        ],
        **changes,
    }


def service(**changes: Any) -> JsonObject:  # noqa: ANN401 - members of the API
    """Return a request for a service that works, with changes."""
    return {
        "serviceName": "server",
        "launchType": "FARGATE",
        "desiredCount": 2,
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": ["subnet-a", "subnet-b"],
                "securityGroups": [],
                "assignPublicIp": "ENABLED",
            }
        },
        "loadBalancers": [
            {"targetGroupArn": GROUP, "containerName": "server", "containerPort": 8080}
        ],
        **changes,
    }


def rollout(controller: ServiceController) -> str:
    return controller.service.primary.rollout.value


def live(controller: ServiceController) -> list[Task]:
    return list(controller.service.live_tasks)


def stopped(controller: ServiceController) -> list[Task]:
    return [task for task in controller.service.tasks if task.status.value == "STOPPED"]


def events(controller: ServiceController) -> list[str]:
    """Return the events without the service's name, oldest first."""
    prefix = f"(service {controller.service.name}) "
    return [each["message"].removeprefix(prefix) for each in reversed(controller.service.events)]


async def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    async with asyncio.timeout(_TIME_LIMIT):
        while not condition():  # noqa: ASYNC110 - a test checks from outside, there is no event
            await asyncio.sleep(0.005)
