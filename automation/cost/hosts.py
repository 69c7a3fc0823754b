"""Counts what each host uses in a month. Pure."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import partial
from typing import Any, Final, Self

from automation.cost import prices
from automation.cost.usage import HOURS, SECONDS, Group, Load, Resource, Usage, of_type
from components.hosting.apprunner.settings import AppRunnerSettings
from components.hosting.fargate.settings import FargateSettings
from components.hosting.lambda_.settings import LambdaSettings
from components.settings import Hosting

ARM: Final = "arm64"
"""The architecture of Lambda that costs less."""
_X86: Final = "x86_64"
_CPU_UNITS: Final = 1024
_MEGABYTES: Final = 1024
# Processors are paid for a minute at least whenever an instance begins to work. Source: "AWS App
# Runner pricing", active container instances.
_SHORTEST_ACTIVITY: Final = Decimal(60)
# Source: "Elastic Load Balancing pricing", LCU details, for targets with an IP address.
_CONNECTIONS_PER_UNIT: Final = Decimal(25)
_ACTIVE_PER_UNIT: Final = Decimal(3000)
_GIGABYTES_PER_UNIT: Final = Decimal(1)
# Target tracking has one alarm to scale out and one to scale in. Source: "Target tracking scaling
# policies" in the Application Auto Scaling User Guide.
_ALARMS_PER_POLICY: Final = 2
# Of us-east-1. A default VPC has a subnet in each, and the program uses all of them.
_ZONES: Final = 6
# Where the auto-scaling configuration sets nothing. Source: apprunner
# CreateAutoScalingConfiguration.
_SCALING: Final[Mapping[str, int]] = {"minSize": 1, "maxSize": 25, "maxConcurrency": 100}
# Source: "Configuring sampling rules" in the AWS X-Ray Developer Guide, the default rule.
_TRACES_PER_SECOND: Final = Decimal(1)
_TRACED_SHARE: Final = Decimal("0.05")

_SERVICE: Final = "aws:apprunner/service:Service"
_AUTO_SCALING: Final = (
    "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion"
)
_TASK: Final = "aws:ecs/taskDefinition:TaskDefinition"
_CONTAINER_SERVICE: Final = "aws:ecs/service:Service"
_SCALING_TARGET: Final = "aws:appautoscaling/target:Target"
_SCALING_POLICY: Final = "aws:appautoscaling/policy:Policy"
_BALANCER: Final = "aws:lb/loadBalancer:LoadBalancer"
_LAMBDA_HOST: Final = "neo4j-mcp:hosting:LambdaHost$"
_FUNCTION: Final = "aws:lambda/function:Function"

_usage = partial(Usage, group=Group.HOST)


class Host(ABC):
    """A host of a certain size."""

    hosting: Hosting

    @classmethod
    @abstractmethod
    def by_default(cls, *, edge: bool) -> Self:
        """Return the host as its default settings make it.

        Args:
            edge: whether callers use the edge.
        """

    @classmethod
    @abstractmethod
    def find(cls, resources: Sequence[Resource]) -> Self | None:
        """Find the host among a stack's resources."""

    @property
    @abstractmethod
    def size(self) -> str:
        """The size in words."""

    @abstractmethod
    def usages(self, load: Load) -> Iterator[Usage]:
        """Count what the host uses under a load."""


@dataclass(frozen=True, kw_only=True)
class AppRunner(Host):
    """App Runner.

    Attributes:
        cpu: units of an instance.
        memory: megabytes of an instance.
        fewest: instances.
        most: instances.
        concurrency: calls of an instance at the same time.
    """

    hosting = Hosting.APP_RUNNER

    cpu: int
    memory: int
    fewest: int
    most: int
    concurrency: int
    traced: bool = False

    @classmethod
    def by_default(cls, *, edge: bool) -> Self:  # noqa: ARG003 - other hosts need it
        """Return App Runner with its default settings."""
        settings = AppRunnerSettings()
        return cls(
            cpu=settings.cpu,
            memory=settings.memory,
            fewest=settings.min_instances,
            most=settings.max_instances,
            concurrency=settings.max_concurrency,
        )

    @classmethod
    def find(cls, resources: Sequence[Resource]) -> Self | None:
        """Find App Runner's service among a stack's resources."""
        for service in of_type(resources, _SERVICE):
            found = [each.inputs for each in of_type(resources, _AUTO_SCALING)]
            scaling = {**_SCALING, **(found[0] if found else {})}
            instance = service.inputs["instanceConfiguration"]
            tracing = service.inputs.get("observabilityConfiguration") or {}
            return cls(
                cpu=int(instance["cpu"]),
                memory=int(instance["memory"]),
                fewest=int(scaling["minSize"]),
                most=int(scaling["maxSize"]),
                concurrency=int(scaling["maxConcurrency"]),
                traced=bool(tracing.get("observabilityEnabled")),
            )
        return None

    @property
    def size(self) -> str:
        """The size in words."""
        return f"{self.cpu} CPU units, {self.memory} MB, {self.fewest} to {self.most} instances"

    def usages(self, load: Load) -> Iterator[Usage]:
        """Count memory of all instances, and processors of those that have calls."""
        needed = _ceiling(load.concurrency / self.concurrency)
        instances = _within(needed, self.fewest, self.most)
        activity = load.calls_per_second * max(_SHORTEST_ACTIVITY, load.seconds_per_call)
        active = min(Decimal(instances), activity)
        missing = _missing(needed, self.most)
        yield _usage(
            what="App Runner: memory",
            quantity=instances * Decimal(self.memory) / _MEGABYTES * HOURS,
            price=prices.APP_RUNNER_MEMORY,
            assumes=f"{_instances(instances)} of {self.memory} MB, {self.concurrency} calls at the"
            f" same time in each{missing}",
        )
        yield _usage(
            what="App Runner: processors",
            quantity=active * Decimal(self.cpu) / _CPU_UNITS * HOURS,
            price=prices.APP_RUNNER_VCPU,
            assumes=f"{self.cpu} CPU units, active at least {_SHORTEST_ACTIVITY} s for each call:"
            f" {_plain(active)} of {_instances(instances)} on average",
        )
        yield from _traces(load, traced=self.traced)


@dataclass(frozen=True, kw_only=True)
class Fargate(Host):
    """Fargate behind an Application Load Balancer.

    Attributes:
        cpu: units of a task.
        memory: megabytes of a task.
        fewest: tasks.
        most: tasks.
        requests_per_target: calls of a task in a minute.
        balancers: load balancers.
        balancer_addresses: public addresses of the load balancers together.
        public_tasks: whether each task has a public address.
        policies: scaling policies.
    """

    hosting = Hosting.FARGATE

    cpu: int
    memory: int
    fewest: int
    most: int
    requests_per_target: int
    balancers: int
    balancer_addresses: int
    public_tasks: bool
    policies: int

    @classmethod
    def by_default(cls, *, edge: bool) -> Self:
        """Return Fargate with its default settings, in the default VPC."""
        settings = FargateSettings()
        return cls(
            cpu=settings.cpu,
            memory=settings.memory,
            fewest=settings.min_instances,
            most=settings.max_instances,
            requests_per_target=settings.requests_per_target,
            balancers=1,
            balancer_addresses=0 if edge else _ZONES,
            public_tasks=True,
            policies=2,
        )

    @classmethod
    def find(cls, resources: Sequence[Resource]) -> Self | None:
        """Find Fargate's service among a stack's resources."""
        tasks = [each.inputs for each in of_type(resources, _TASK)]
        for service, task in zip(of_type(resources, _CONTAINER_SERVICE), tasks, strict=False):
            targets = [each.inputs for each in of_type(resources, _SCALING_TARGET)]
            policies = [each.inputs for each in of_type(resources, _SCALING_POLICY)]
            balancers = [each.inputs for each in of_type(resources, _BALANCER)]
            desired = int(service.inputs["desiredCount"])
            return cls(
                cpu=int(task["cpu"]),
                memory=int(task["memory"]),
                fewest=int(targets[0]["minCapacity"]) if targets else desired,
                most=int(targets[0]["maxCapacity"]) if targets else desired,
                requests_per_target=_requests_per_target(policies),
                balancers=len(balancers),
                balancer_addresses=sum(
                    len(each.get("subnets") or ()) for each in balancers if not each.get("internal")
                ),
                public_tasks=bool(
                    (service.inputs.get("networkConfiguration") or {}).get("assignPublicIp")
                ),
                policies=len(policies),
            )
        return None

    @property
    def size(self) -> str:
        """The size in words."""
        return f"{self.cpu} CPU units, {self.memory} MB, {self.fewest} to {self.most} tasks"

    def usages(self, load: Load) -> Iterator[Usage]:
        """Count tasks, the load balancer and its use, and public addresses."""
        needed = _ceiling(load.calls_per_second * 60 / self.requests_per_target)
        tasks = _within(needed, self.fewest, self.most)
        hours = tasks * HOURS
        why = (
            f"{tasks} tasks, {self.requests_per_target} calls a minute in each"
            f"{_missing(needed, self.most)}"
        )
        yield _usage(
            what="Fargate: processors",
            quantity=hours * Decimal(self.cpu) / _CPU_UNITS,
            price=prices.FARGATE_VCPU,
            assumes=f"{self.cpu} CPU units, {why}",
        )
        yield _usage(
            what="Fargate: memory",
            quantity=hours * Decimal(self.memory) / _MEGABYTES,
            price=prices.FARGATE_MEMORY,
            assumes=f"{self.memory} MB, {why}",
        )
        yield _usage(
            what="Load balancer",
            quantity=self.balancers * HOURS,
            price=prices.LOAD_BALANCER,
            assumes="All hours of the month",
        )
        yield _usage(
            what="Load balancer: use",
            quantity=self.balancers * _capacity_units(load) * HOURS,
            price=prices.LOAD_BALANCER_UNIT,
            assumes="A new connection for each call, and the largest of connections and bytes",
        )
        yield _usage(
            what="Public addresses",
            quantity=(self.balancer_addresses + (tasks if self.public_tasks else 0)) * HOURS,
            price=prices.PUBLIC_ADDRESS,
            assumes=f"{self.balancer_addresses} of the load balancer,"
            f" {tasks if self.public_tasks else 0} of tasks",
        )
        yield _usage(
            what="Scaling alarms",
            quantity=Decimal(self.policies * _ALARMS_PER_POLICY),
            price=prices.ALARM_METRIC,
            assumes="Two alarms for each scaling policy",
        )


@dataclass(frozen=True, kw_only=True)
class Lambda(Host):
    """Lambda with a function URL.

    Attributes:
        memory: megabytes of an environment.
        most: environments; None for no limit of the function's own.
        architecture: as AWS names it, such as arm64.
    """

    hosting = Hosting.LAMBDA

    memory: int
    most: int | None
    architecture: str
    traced: bool = False

    @classmethod
    def by_default(cls, *, edge: bool) -> Self:  # noqa: ARG003 - other hosts need it
        """Return Lambda with its default settings."""
        settings = LambdaSettings()
        return cls(
            memory=settings.memory,
            most=settings.max_instances or None,
            architecture=str(settings.architecture),
        )

    @classmethod
    def find(cls, resources: Sequence[Resource]) -> Self | None:
        """Find the server's function among a stack's resources."""
        for function in of_type(resources, _FUNCTION, within=_LAMBDA_HOST):
            reserved = int(function.inputs.get("reservedConcurrentExecutions", -1))
            (architecture,) = function.inputs.get("architectures") or [_X86]
            return cls(
                memory=int(function.inputs["memorySize"]),
                most=None if reserved < 0 else reserved,
                architecture=str(architecture),
                traced=(function.inputs.get("tracingConfig") or {}).get("mode") == "Active",
            )
        return None

    @property
    def size(self) -> str:
        """The size in words."""
        limit = "" if self.most is None else f", up to {self.most} environments"
        return f"{self.memory} MB on {self.architecture}{limit}"

    def usages(self, load: Load) -> Iterator[Usage]:
        """Count calls and their time."""
        needed = _ceiling(load.concurrency)
        missing = "" if self.most is None else _missing(needed, self.most)
        arm = self.architecture == ARM
        yield _usage(
            what="Lambda: calls",
            quantity=load.calls,
            price=prices.INVOCATION,
            assumes="One invocation for each call",
        )
        yield _usage(
            what="Lambda: memory",
            quantity=load.calls * load.seconds_per_call * Decimal(self.memory) / _MEGABYTES,
            price=prices.GIGABYTE_SECOND if arm else prices.GIGABYTE_SECOND_X86,
            assumes=f"{self.memory} MB for {_plain(load.seconds_per_call)} s, without cold"
            f" starts{missing}",
        )
        yield from _traces(load, traced=self.traced)


HOSTS: Final[Mapping[Hosting, type[Host]]] = {
    each.hosting: each for each in (AppRunner, Fargate, Lambda)
}
"""Every host."""


def find_hosts(resources: Sequence[Resource]) -> Iterator[Host]:
    """Find a stack's host, or both while it moves."""
    for kind in HOSTS.values():
        found = kind.find(resources)
        if found:
            yield found


def _capacity_units(load: Load) -> Decimal:
    """Return the load balancer's capacity units, on average."""
    return max(
        load.calls_per_second / _CONNECTIONS_PER_UNIT,
        load.concurrency / _ACTIVE_PER_UNIT,
        load.gigabytes / HOURS / _GIGABYTES_PER_UNIT,
    )


def _requests_per_target(policies: Sequence[Mapping[str, Any]]) -> int:
    configurations = (each["targetTrackingScalingPolicyConfiguration"] for each in policies)
    for each in configurations:
        metric = each["predefinedMetricSpecification"]["predefinedMetricType"]
        if metric == "ALBRequestCountPerTarget":
            return int(each["targetValue"])
    return FargateSettings().requests_per_target


def _traces(load: Load, *, traced: bool) -> Iterator[Usage]:
    always = min(load.calls_per_second, _TRACES_PER_SECOND)
    sampled = always + (load.calls_per_second - always) * _TRACED_SHARE
    yield _usage(
        what="Traces",
        quantity=sampled * SECONDS if traced else Decimal(),
        price=prices.TRACE,
        assumes="One call a second, and 5 % of the others",
    )


def _ceiling(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


def _within(needed: int, fewest: int, most: int) -> int:
    return max(fewest, min(needed, most))


def _missing(needed: int, most: int) -> str:
    if needed <= most:
        return ""
    return f". It needs {needed}, more than maxInstances: calls wait or fail"


def _instances(number: int) -> str:
    return f"{number} instance{'s' if number > 1 else ''}"


def _plain(value: Decimal) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
