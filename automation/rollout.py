"""Deploys a stack, and checks that App Runner runs what was deployed.

Pulumi's provider only waits until the service is RUNNING. App Runner rolls a failed update back,
the service is RUNNING again, and `pulumi up` reports success. A service that could not be created
stays CREATE_FAILED, and an `up` without changes reports success too.

Sources: https://github.com/aws/apprunner-roadmap/issues/209, …/issues/272,
https://github.com/pulumi/pulumi/issues/21458.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.deployment import (
    Deployed,
    Deployment,
    DeploymentError,
    InterruptedDeploymentError,
    Report,
)
from automation.sessions import Clients
from automation.waiting import (
    LONGEST_OPERATION,
    Sleep,
    is_not_found,
    is_service_busy,
    wait_while,
)

_SERVICE: Final = "aws:apprunner/service:Service"
_LOG_LINES: Final = 5


@dataclass(frozen=True, kw_only=True)
class DesiredService:
    """The service as the stack's state describes it.

    Attributes:
        image: the image, by digest.
        environment: the server's environment.
    """

    arn: str
    image: str
    environment: Mapping[str, str]

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "DesiredService | None":
        """Find the service in a stack's state; None if it has none."""
        for resource in state.get("resources") or []:
            if resource["type"] == _SERVICE and resource.get("id") and not resource.get("delete"):
                repository = resource["inputs"]["sourceConfiguration"]["imageRepository"]
                configuration = repository.get("imageConfiguration") or {}
                return cls(
                    arn=resource["id"],
                    image=repository["imageIdentifier"],
                    environment=configuration.get("runtimeEnvironmentVariables") or {},
                )
        return None


def roll_out(deployment: Deployment, clients: Clients, report: Report | None = None) -> Deployed:
    """Deploy a stack, and require that the service runs what was deployed.

    Args:
        report: called with a line for each resource that changes.

    Raises:
        DeploymentError: a resource failed, or the service runs something else; the message has
            the cause, the end of the service's log and the command that fixes it.
    """
    previous = wait_for_service(deployment, clients)
    try:
        deployed = deployment.up(report)
    except InterruptedDeploymentError:
        raise
    except DeploymentError as error:
        raise DeploymentError(
            "\n".join([str(error), *find_problems(deployment, clients, previous)])
        ) from error
    require_rollout(deployment, clients, previous)
    return deployed


def wait_for_service(deployment: Deployment, clients: Clients, sleep: Sleep = time.sleep) -> str:
    """Wait for the end of an operation that an interrupted deployment left in progress.

    App Runner refuses every other operation meanwhile, and Pulumi's provider doesn't wait.

    Returns:
        The id of the service's last operation; empty without a service.

    Raises:
        DeploymentError: the operation doesn't end.
    """
    desired = DesiredService.from_state(deployment.state())
    if desired is None:
        return ""
    if not wait_while(partial(is_service_busy, clients, desired.arn), sleep):
        raise DeploymentError(
            f"An operation of App Runner on {desired.arn} has been in progress for"
            f" {LONGEST_OPERATION:.0f} s. To see it, run:"
            f" aws apprunner list-operations --service-arn {desired.arn}"
        )
    return str(_last_operation(clients("apprunner"), desired.arn).get("Id", ""))


def require_rollout(deployment: Deployment, clients: Clients, previous: str = "") -> None:
    """Require that the service runs what the state describes.

    Args:
        previous: id of the last operation before this deployment, whose failure doesn't count.

    Raises:
        DeploymentError: it runs something else.
    """
    problems = find_problems(deployment, clients, previous)
    if problems:
        raise DeploymentError("\n".join(problems))


def find_problems(deployment: Deployment, clients: Clients, previous: str = "") -> list[str]:
    """Describe what the service runs instead of what was deployed.

    Args:
        previous: id of the last operation before this deployment, whose failure doesn't count.

    Returns:
        The lines of a message; empty if the service runs what the state describes, or if the
        state has no service.
    """
    desired = DesiredService.from_state(deployment.state())
    if desired is None:
        return []
    apprunner = clients("apprunner")
    service = apprunner.describe_service(ServiceArn=desired.arn)["Service"]
    operation = _last_operation(apprunner, desired.arn)
    found = [*differences(desired, service), *failed_operation(operation, previous)]
    if not found:
        return []
    group = f"/aws/apprunner/{service['ServiceName']}/{service['ServiceId']}/service"
    return [
        f"App Runner doesn't run what was deployed: {'; '.join(found)}.",
        f"The service's log, {group}, ends:",
        *(f"  {line}" for line in _log_end(clients("logs"), group)),
        *next_steps(deployment.stack, desired.arn, service["Status"]),
    ]


def differences(desired: DesiredService, service: Mapping[str, Any]) -> list[str]:
    """Compare the service, as App Runner describes it, with what was deployed.

    Returns:
        A phrase for each difference, without any value of the environment.
    """
    found = []
    if service["Status"] != "RUNNING":
        found.append(f"the service {service['ServiceName']} is {service['Status']}")
    repository = service["SourceConfiguration"]["ImageRepository"]
    running = _digest(repository["ImageIdentifier"])
    wanted = _digest(desired.image)
    if running != wanted:
        found.append(f"its image is {running}, and should be {wanted}")
    environment = repository["ImageConfiguration"].get("RuntimeEnvironmentVariables") or {}
    names = sorted(
        name
        for name in environment.keys() | desired.environment.keys()
        if environment.get(name) != desired.environment.get(name)
    )
    if names:
        found.append(f"its environment differs in {', '.join(names)}")
    return found


def failed_operation(operation: Mapping[str, Any], previous: str) -> list[str]:
    """Describe in one phrase how this deployment's operation failed, if it did.

    Args:
        operation: the service's last operation; empty if it has none.
        previous: id of the last operation before this deployment.
    """
    if not operation or operation["Id"] == previous or operation["Status"] == "SUCCEEDED":
        return []
    return [f"its last operation, {operation['Type']}, ended {operation['Status']}"]


def next_steps(stack: str, arn: str, status: str) -> list[str]:
    """Name the commands that fix a service with this status."""
    again = f"Fix the cause, then run: python -m automation deploy --stack {stack}"
    if status != "CREATE_FAILED":
        return [again]
    rebuild = f"aws apprunner start-deployment --service-arn {arn}"
    return [again, f"If no setting has to change, build the service again: {rebuild}"]


def _last_operation(apprunner: Any, arn: str) -> Mapping[str, Any]:  # noqa: ANN401 - boto3 makes its clients at run time
    try:
        response = apprunner.list_operations(ServiceArn=arn, MaxResults=1)
    except ClientError as error:
        if is_not_found(error):
            # Deleted behind the engine's back: the deployment finds that out.
            return {}
        raise
    listed: Sequence[Mapping[str, Any]] = response["OperationSummaryList"]
    return listed[0] if listed else {}


def _log_end(logs: Any, group: str) -> list[str]:  # noqa: ANN401 - boto3 makes its clients at run time
    try:
        response = logs.filter_log_events(logGroupName=group)
    except ClientError as error:
        return [f"(can't be read: {error.response['Error']['Code']})"]
    lines = [event["message"].strip() for event in response["events"][-_LOG_LINES:]]
    return lines or ["(empty)"]


def _digest(image: str) -> str:
    return image.rpartition("@")[2]
