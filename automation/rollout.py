"""Deploys a stack, and checks that the host runs what was deployed.

`pulumi up` can report success although the host has rolled an update back, or keeps another version
running. Each host's module in `automation.hosting` says when.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final

from automation.deployment import (
    Deployed,
    Deployment,
    DeploymentError,
    InterruptedDeploymentError,
    Report,
)
from automation.hosting.host import Aws, Desired, HostOperations, Operation, Service, aws_of
from automation.hosting.hosts import find_desired
from automation.sessions import Clients
from automation.waiting import LONGEST_OPERATION, Sleep, wait_while
from components.hosting.definitions import DEFINITIONS

Up = Callable[[Report | None, Callable[[], None] | None], Deployed]
NOTHING_BEFORE: Final[Mapping[str, str]] = MappingProxyType({})


def roll_out(
    deployment: Deployment,
    clients: Clients,
    report: Report | None = None,
    on_lock: Callable[[], None] | None = None,
    sleep: Sleep = time.sleep,
    up: Up | None = None,
) -> Deployed:
    """Deploy a stack, and require that the service runs what was deployed.

    Args:
        report: called with a line for each resource that changes.
        on_lock: see `Deployment.up`.
        up: deploys, such as the plan that the policy has judged; `Deployment.up` by default.

    Raises:
        DeploymentError: a resource failed, or the service runs something else; the message has
            the cause, what the host says about it and the command that fixes it.
    """
    previous = wait_for_service(deployment, clients, sleep)
    try:
        deployed = (up or deployment.up)(report, on_lock)
    except InterruptedDeploymentError:
        raise
    except DeploymentError as error:
        raise DeploymentError(
            "\n".join([str(error), *find_problems(deployment, clients, previous, sleep)])
        ) from error
    require_rollout(deployment, clients, previous, sleep)
    return deployed


def wait_for_service(
    deployment: Deployment, clients: Clients, sleep: Sleep = time.sleep
) -> Mapping[str, str]:
    """Wait for the end of an operation that an interrupted deployment left in progress.

    Some hosts refuse every other operation meanwhile, and Pulumi's provider doesn't wait.

    Returns:
        The id of each service's last operation, by the service's id.

    Raises:
        DeploymentError: the operation doesn't end.
    """
    aws = aws_of(clients)
    last = {}
    for host, desired in find_desired(deployment.state()):
        if host.refuses_changes_while_busy:
            _wait(host, desired.id, partial(host.is_busy, aws, desired.id), sleep)
        if operations := host.operations(aws, desired.id):
            last[desired.id] = operations[0].id
    return last


def require_rollout(
    deployment: Deployment,
    clients: Clients,
    previous: Mapping[str, str] = NOTHING_BEFORE,
    sleep: Sleep = time.sleep,
) -> None:
    """Require that every service runs what the state describes.

    Args:
        previous: what `wait_for_service` returned before this deployment: operations whose failure
            doesn't count.

    Raises:
        DeploymentError: one runs something else.
    """
    problems = find_problems(deployment, clients, previous, sleep)
    if problems:
        raise DeploymentError("\n".join(problems))


def require_unchanged(
    deployment: Deployment, clients: Clients, report: Report, sleep: Sleep = time.sleep
) -> None:
    """Require that every service runs what the state describes, when there is nothing to deploy.

    A last operation that failed may have left no difference, such as a redeployment by hand that
    the host rolled back. No later operation would replace it, because none is needed.

    Args:
        report: called with a line about such an operation.

    Raises:
        DeploymentError: one runs something else.
    """
    problems = find_problems(deployment, clients, sleep=sleep, nothing_to_deploy=True)
    if not problems:
        return
    last = wait_for_service(deployment, clients, sleep)
    different = find_problems(deployment, clients, last, sleep)
    if different or not deployment.preview(refresh=True).none:
        raise DeploymentError("\n".join(problems))
    report("! The service's last operation failed, but it runs what was deployed")


def find_problems(
    deployment: Deployment,
    clients: Clients,
    previous: Mapping[str, str] = NOTHING_BEFORE,
    sleep: Sleep = time.sleep,
    *,
    nothing_to_deploy: bool = False,
) -> list[str]:
    """Describe what a service runs instead of what was deployed, once its host has deployed it.

    Args:
        previous: see `require_rollout`.
        nothing_to_deploy: whether Pulumi would find nothing to deploy.

    Returns:
        The lines of a message; empty if every service runs what the state describes.

    Raises:
        DeploymentError: an operation doesn't end.
    """
    lines = []
    for host, desired in find_desired(deployment.state()):
        changing = partial(_is_changing, host, aws_of(clients), desired.id)
        _wait(host, desired.id, changing, sleep)
        lines += _problems(
            host, desired, deployment.stack, clients, previous, nothing_to_deploy=nothing_to_deploy
        )
    return lines


def _problems(
    host: HostOperations,
    desired: Desired,
    stack: str,
    clients: Clients,
    previous: Mapping[str, str],
    *,
    nothing_to_deploy: bool,
) -> list[str]:
    aws = aws_of(clients)
    service = host.describe(aws, desired.id)
    different = differences(desired, service, host.artifact)
    failed = failed_operation(host.operations(aws, desired.id), previous.get(desired.id, ""))
    if not different and not failed:
        return []
    title = DEFINITIONS[host.hosting].title
    return [
        f"{title} doesn't run what was deployed: {'; '.join([*different, *failed])}.",
        *host.explain(aws, service),
        f"Fix the cause, then run: python -m automation deploy --stack {stack}",
        # Otherwise Pulumi finds nothing to deploy.
        *(
            [f"Before that, so that Pulumi finds what differs, run: pulumi refresh --stack {stack}"]
            if nothing_to_deploy or not failed
            else []
        ),
        *host.next_steps(service),
    ]


def differences(desired: Desired, service: Service, artifact: str) -> list[str]:
    """Compare the service, as its host describes it, with what was deployed.

    Args:
        artifact: what the service runs, "image" or "package".

    Returns:
        A phrase for each difference, without any value of the environment.
    """
    found = []
    if not service.is_running:
        found.append(f"the service {service.name} is {service.status}")
    if service.runs != desired.runs:
        found.append(f"its {artifact} is {service.runs}, and should be {desired.runs}")
    names = sorted(
        name
        for name in service.environment.keys() | desired.environment.keys()
        if service.environment.get(name) != desired.environment.get(name)
    )
    if names:
        found.append(f"its environment differs in {', '.join(names)}")
    return found


def failed_operation(operations: Sequence[Operation], previous: str) -> list[str]:
    """Describe in one phrase how this deployment's operation failed, if it did.

    Args:
        operations: the service's operations, the newest first.
        previous: id of the last operation before this deployment.
    """
    if not operations or operations[0].id == previous or operations[0].succeeded:
        return []
    last = operations[0]
    why = f" ({last.reason})" if last.reason else ""
    return [f"its last operation, {last.kind}, ended {last.status}{why}"]


def _is_changing(host: HostOperations, aws: Aws, service: str) -> bool:
    """Return whether a service is being changed, or its last operation is yet to be judged.

    A service can be as it should be before its host has decided how the operation ended.
    """
    if host.is_busy(aws, service):
        return True
    operations = host.operations(aws, service)
    return bool(operations) and not operations[0].ended


def _wait(host: HostOperations, service: str, is_busy: Callable[[], bool], sleep: Sleep) -> None:
    if not wait_while(is_busy, sleep):
        raise DeploymentError(
            f"An operation of {DEFINITIONS[host.hosting].title} on {service} has been in progress"
            f" for {LONGEST_OPERATION:.0f} s. To see it, run: {host.show_operations(service)}"
        )
