"""Whether the account has the concurrency that maxInstances reserves for the server's function."""

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.preflight.findings import Plan, PreflightError
from automation.remedies import config_command
from automation.sessions import Clients
from components.hosting.lambda_.settings import LambdaSettings

KEPT_UNRESERVED: Final = 100
"""Source: "Configuring reserved concurrency for a function" in the AWS Lambda Developer Guide."""
# Source: "Concurrent executions" in Service Quotas for AWS Lambda.
_QUOTA: Final = "L-B99A9384"
_REFUSED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


def check_reservation(plan: Plan, clients: Clients) -> Iterator[str]:
    """Compare what is reserved with the account's limit.

    Returns:
        A line for the user if the limit can't be read.

    Raises:
        PreflightError: the account has too little.
    """
    wanted = plan.settings.host_as(LambdaSettings).max_instances
    if not wanted:
        return
    client = clients("lambda")
    try:
        limits = client.get_account_settings()["AccountLimit"]
        reserved = _reserved(client, plan.names.server_function)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _REFUSED:
            raise
        yield f"Whether maxInstances can be reserved isn't known: {error}"
        return
    available = limits["UnreservedConcurrentExecutions"] + reserved
    problem = shortage(
        plan.stack,
        wanted,
        available,
        limits["ConcurrentExecutions"],
        key=plan.settings.host_key("maxInstances"),
    )
    if problem is not None:
        raise PreflightError(problem)


def shortage(
    stack: str, wanted: int, available: int, limit: int, *, key: str = "maxInstances"
) -> str | None:
    """Describe what is missing; None if the reservation is possible.

    Args:
        wanted: maxInstances.
        available: the account's concurrency that no other function has reserved.
        limit: all of the account's concurrency in the region.
        key: where maxInstances is set, as `pulumi config --path` spells it.
    """
    most = max(available - KEPT_UNRESERVED, 0)
    if wanted <= most:
        return None
    possible = [str(most), "0"] if most else ["0"]
    commands = " or ".join(config_command(stack, key, each) for each in possible)
    return (
        f"{key} is {wanted}, and at most {most} can be reserved: the account's concurrency"
        f" in this region is {limit}, of which {available} isn't reserved by other functions, and"
        f" Lambda keeps {KEPT_UNRESERVED} unreserved. With 0 nothing is reserved, and only the"
        f" account's limit applies. Run: {commands}. Or ask AWS for a higher quota: aws"
        " service-quotas request-service-quota-increase --service-code lambda --quota-code"
        f" {_QUOTA} --desired-value {KEPT_UNRESERVED + wanted + limit - available}"
    )


def _reserved(client: Any, function: str) -> int:  # noqa: ANN401 - boto3 makes its clients at run time
    """Return what the function itself has reserved; 0 if it doesn't exist yet."""
    try:
        response = client.get_function_concurrency(FunctionName=function)
    except client.exceptions.ResourceNotFoundException:
        return 0
    return int(response.get("ReservedConcurrentExecutions", 0))
