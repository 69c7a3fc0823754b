"""Deploys a stack and finds out whether App Runner runs what was deployed.

Pulumi's provider waits until the service is RUNNING, and nothing else. App Runner rolls an update
that fails back, and the service is RUNNING again: `pulumi up` reports success. A service whose
first deployment failed stays CREATE_FAILED, and an `up` without changes reports success as well.

Sources: https://github.com/aws/apprunner-roadmap/issues/209, …/issues/272,
https://github.com/pulumi/pulumi/issues/21458.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

_SERVICE: Final = "aws:apprunner/service:Service"
_LOG_LINES: Final = 5
# Pulumi's provider gives an operation of App Runner 20 minutes.
_LONGEST_OPERATION: Final = 1200.0
_BETWEEN_LOOKS: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the state says that the service should be.

    Attributes:
        arn: ARN of the service.
        image: the image, by digest.
        environment: the server's environment.
    """

    arn: str
    image: str
    environment: Mapping[str, str]

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Asked | None":
        """Find the service in a stack's state; None where it has none."""
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
        deployment: the stack.
        clients: makes AWS clients.
        report: called with a line for every resource that is changed.

    Raises:
        DeploymentError: a resource failed, or the service runs something else; the message has
            the cause, the service's log and the command that fixes it.
    """
    before = settle(deployment, clients)
    try:
        deployed = deployment.up(report)
    except InterruptedDeploymentError:
        raise
    except DeploymentError as error:
        raise DeploymentError(
            "\n".join([str(error), *find_problems(deployment, clients, before)])
        ) from error
    require_rollout(deployment, clients, before)
    return deployed


def settle(
    deployment: Deployment, clients: Clients, pause: Callable[[float], object] = time.sleep
) -> str:
    """Wait for the end of an operation that an interrupted deployment left in progress.

    App Runner refuses every other operation meanwhile, and Pulumi's provider doesn't wait.

    Args:
        deployment: the stack.
        clients: makes AWS clients.
        pause: waits between two looks.

    Returns:
        The id of the service's last operation; empty where there is no service.

    Raises:
        DeploymentError: the operation doesn't end.
    """
    asked = Asked.of(deployment.state())
    if asked is None:
        return ""
    apprunner = clients("apprunner")
    for _ in range(int(_LONGEST_OPERATION / _BETWEEN_LOOKS)):
        try:
            status = apprunner.describe_service(ServiceArn=asked.arn)["Service"]["Status"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            # Deleted behind the engine's back: for the deployment to find out.
            return ""
        if status != "OPERATION_IN_PROGRESS":
            return str(_newest(apprunner, asked.arn).get("Id", ""))
        pause(_BETWEEN_LOOKS)
    raise DeploymentError(
        f"An operation of App Runner on {asked.arn} has been in progress for"
        f" {_LONGEST_OPERATION:.0f} s. To see it, run:"
        f" aws apprunner list-operations --service-arn {asked.arn}"
    )


def require_rollout(deployment: Deployment, clients: Clients, before: str = "") -> None:
    """Require that the service runs what the state says.

    Args:
        deployment: the stack.
        clients: makes AWS clients.
        before: id of the service's last operation before this deployment; a failure of that one
            is no news.

    Raises:
        DeploymentError: it runs something else.
    """
    problems = find_problems(deployment, clients, before)
    if problems:
        raise DeploymentError("\n".join(problems))


def find_problems(deployment: Deployment, clients: Clients, before: str = "") -> list[str]:
    """Describe what the service runs instead of what was deployed.

    Args:
        deployment: the stack.
        clients: makes AWS clients.
        before: id of the service's last operation before this deployment.

    Returns:
        The lines of a message; empty where the service runs what the state says, or where the
        state has no service.
    """
    asked = Asked.of(deployment.state())
    if asked is None:
        return []
    apprunner = clients("apprunner")
    service = apprunner.describe_service(ServiceArn=asked.arn)["Service"]
    operation = _newest(apprunner, asked.arn)
    found = [*differences(asked, service), *failure(operation, before)]
    if not found:
        return []
    group = f"/aws/apprunner/{service['ServiceName']}/{service['ServiceId']}/service"
    return [
        f"App Runner doesn't run what was deployed: {'; '.join(found)}.",
        f"The service's log, {group}, ends:",
        *(f"  {line}" for line in _log_end(clients("logs"), group)),
        *way_out(deployment.stack, asked.arn, service["Status"]),
    ]


def differences(asked: Asked, service: Mapping[str, Any]) -> list[str]:
    """Compare what was asked of App Runner with the service as it describes it.

    Args:
        asked: what the state says.
        service: App Runner's description.

    Returns:
        A half-sentence for each difference, without any value of the environment.
    """
    found = []
    if service["Status"] != "RUNNING":
        found.append(f"the service {service['ServiceName']} is {service['Status']}")
    repository = service["SourceConfiguration"]["ImageRepository"]
    running, wanted = (_digest(each) for each in (repository["ImageIdentifier"], asked.image))
    if running != wanted:
        found.append(f"its image is {running}, and should be {wanted}")
    environment = repository["ImageConfiguration"].get("RuntimeEnvironmentVariables") or {}
    names = sorted(
        name
        for name in environment.keys() | asked.environment.keys()
        if environment.get(name) != asked.environment.get(name)
    )
    if names:
        found.append(f"its environment differs in {', '.join(names)}")
    return found


def failure(operation: Mapping[str, Any], before: str) -> list[str]:
    """Say how an operation of this deployment failed.

    Args:
        operation: the service's newest operation; empty where it has none.
        before: id of the operation that was the newest before.

    Returns:
        One half-sentence, or none.
    """
    if not operation or operation["Id"] == before or operation["Status"] == "SUCCEEDED":
        return []
    return [f"its last operation, {operation['Type']}, ended {operation['Status']}"]


def way_out(stack: str, arn: str, status: str) -> list[str]:
    """Name the commands that fix a service in a status."""
    again = f"Fix the cause, then run: python -m automation deploy --stack {stack}"
    if status != "CREATE_FAILED":
        return [again]
    rebuild = f"aws apprunner start-deployment --service-arn {arn}"
    return [again, f"Where no setting has to change for it, build the service again by: {rebuild}"]


def _newest(apprunner: Any, arn: str) -> Mapping[str, Any]:  # noqa: ANN401 - boto3 makes its clients at run time
    answer = apprunner.list_operations(ServiceArn=arn, MaxResults=1)
    listed: Sequence[Mapping[str, Any]] = answer["OperationSummaryList"]
    return listed[0] if listed else {}


def _log_end(logs: Any, group: str) -> list[str]:  # noqa: ANN401 - boto3 makes its clients at run time
    try:
        answer = logs.filter_log_events(logGroupName=group)
    except ClientError as error:
        return [f"(not readable: {error.response['Error']['Code']})"]
    lines = [event["message"].strip() for event in answer["events"][-_LOG_LINES:]]
    return lines or ["(empty)"]


def _digest(image: str) -> str:
    return image.rpartition("@")[2]
