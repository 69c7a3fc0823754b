"""HostOperations: how the automation reads and changes the service of one host."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from automation.errors import AutomationError
from automation.grants import HostAccess, StackLocation
from automation.hosting.instances import Instances
from automation.sessions import Clients
from components.names import ResourceNames
from components.settings import Hosting, StackSettings


class NoServiceError(AutomationError):
    """There is no service with the stack's name."""


class RedeploymentError(AutomationError):
    """The service can't be deployed again as it is."""


class Aws(Protocol):
    """Calls AWS."""

    def __call__(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
        """Call an operation, and return its response.

        Args:
            service: the service, as boto3 names it.
            operation: the operation, as boto3 names it.
            **parameters: the operation's parameters.
        """
        ...


def aws_of(clients: Clients) -> Aws:
    """Return what calls AWS through clients."""

    def call(service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
        response: dict[str, Any] = getattr(clients(service), operation)(**parameters)
        return response

    return call


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service, as its host describes it.

    Attributes:
        id: what identifies it to its host, and in the stack's state.
        status: its status; the host's own word.
        is_running: whether that is the status of a service that answers calls.
        address: its base URL; empty if the host doesn't know it.
        runs: the digest of its image, or the hash of its package.
        environment: the server's environment.
        secrets: names of environment variables with values from elsewhere.
        role: ARN of the role that the server runs as.
        pull_role: ARN of the role that pulls the image; empty without an image.
        image: the image's name, with registry and digest; empty without one.
        log_groups: names of its log groups.
        changed: since when every log group must have an event.
        described: all that the host says about it.
    """

    id: str
    name: str
    status: str
    is_running: bool
    address: str = ""
    runs: str
    environment: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = ()
    role: str = ""
    pull_role: str = ""
    image: str = ""
    log_groups: tuple[str, ...]
    changed: dt.datetime
    described: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A property of a service that its configuration decides.

    Attributes:
        what: the property, as in "the memory in MB".
        found: its value.
        wanted: the value that it must have.
    """

    what: str
    found: object
    wanted: object


@dataclass(frozen=True, kw_only=True)
class Desired:
    """The service that a stack's state describes.

    Attributes:
        id: what identifies it to its host.
        runs: the digest of its image, or the hash of its package.
        environment: the server's environment.
    """

    id: str
    runs: str
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A change of a service, which its host carries out by itself.

    Attributes:
        id: distinguishes it from others.
        kind: what it does; the host's own word.
        status: its status; the host's own word.
        ended: whether it has ended.
        succeeded: whether it has succeeded.
        reason: why it failed, if the host says so.
    """

    id: str
    kind: str
    status: str
    ended: bool
    succeeded: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that a host did with a service.

    Attributes:
        at: when it happened, with its zone.
        message: what the host says about it.
    """

    at: dt.datetime
    message: str


@dataclass(frozen=True, kw_only=True)
class InstanceMetric:
    """The metric in CloudWatch that counts the instances of a service, by its maximum.

    Attributes:
        dimensions: its dimensions, by name.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]


def no_events(_aws: Aws, _service: Service) -> tuple[Event, ...]:
    """Return nothing: the events are in the service's log groups."""
    return ()


Facts = Callable[[Aws, Service, StackSettings], Iterable[Fact]]


@dataclass(frozen=True, kw_only=True)
class HostOperations:
    """One host, as the checks, the drills and the deployment use it.

    Attributes:
        hosting: its value of the configuration key hosting.
        service_type: the end of the service's qualified type in the state.
        artifact: what the service runs, "image" or "package".
        artifact_output: the stack's output with the digest or hash of what the service runs.
        parts: the titles of its parts in the diagram of a deployment: where what the service runs
            is kept, and what the server runs in.
        front: what a call passes before an instance's server, in words.
        find: returns the id of a stack's service. Raises NoServiceError.
        describe: returns a service by its id.
        tags: returns a service's tags, as AWS does.
        configuration: returns the facts about a service itself.
        scaling: returns the facts about how it scales.
        health_check: returns the facts about how its instances are checked; None if they aren't.
        desired: returns the service that a resource of the state describes, given the state.
        is_busy: returns whether a service is being changed; not for one that is gone.
        refuses_changes_while_busy: whether the host refuses a change during another one.
        show_operations: returns the command that shows a service's operations, by its id.
        operations: returns a service's last operations by its id, the newest first.
        helpers: returns the names of the Lambda functions that the host has besides the server.
        owns_logs: returns whether the stack sets the retention and the key of the service's logs.
        events: returns what the host keeps of a service's events, if not in one of its log groups.
        explain: returns lines about why a service isn't as it should be.
        next_steps: returns further commands that fix a service.
        redeploy: deploys again what a service runs, and returns the operation's id. Raises
            RedeploymentError.
        history: returns what changes whenever a service, or an instance of it, is started again.
        instance_metric: returns the metric that counts a service's instances.
        instances: finds the instances of a service on this machine, given the URL of its API.
            Raises UnreachableError.
        access: returns what the pipelines' roles need.
    """

    hosting: Hosting
    service_type: str
    artifact: str
    artifact_output: str
    parts: tuple[str, str]
    front: str
    find: Callable[[Aws, ResourceNames], str]
    describe: Callable[[Aws, str], Service]
    tags: Callable[[Aws, Service], Mapping[str, Any]]
    configuration: Facts
    scaling: Facts
    health_check: Facts | None
    desired: Callable[[Mapping[str, Any], Mapping[str, Any]], Desired]
    is_busy: Callable[[Aws, str], bool]
    refuses_changes_while_busy: bool
    show_operations: Callable[[str], str]
    operations: Callable[[Aws, str], Sequence[Operation]]
    helpers: Callable[[ResourceNames, StackSettings], tuple[str, ...]]
    owns_logs: Callable[[StackSettings], bool]
    events: Callable[[Aws, Service], Iterable[Event]]
    explain: Callable[[Aws, Service], list[str]]
    next_steps: Callable[[Service], list[str]]
    redeploy: Callable[[Aws, Service, StackSettings], str]
    history: Callable[[Aws, Service], list[str]]
    instance_metric: Callable[[Aws, Service], InstanceMetric]
    instances: Callable[[Service, str], AbstractContextManager[Instances]]
    access: Callable[[StackLocation], HostAccess]
