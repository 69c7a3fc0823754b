"""AWS lookups that several checks share."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from automation.checks.probe import Probe
from automation.checks.verdicts import Failed, Skipped, expect_equal
from automation.hosting.host import HostOperations, NoServiceError, Service
from automation.hosting.hosts import HOSTS
from automation.rotation.lookups import read_inventory
from components.function_code import code_sha256, relative_to_project
from components.hosting.definition import Feature
from components.hosting.definitions import DEFINITIONS
from components.hosting.keys import ImageHostSettings
from components.settings import StackSettings
from functions.rotation.decisions import Inventory

# How far back logs are read, and at most how many events of a group.
_HOURS: Final = 24
_MAX_EVENTS: Final = 5000


def find_app_client(probe: Probe, name: str) -> dict[str, Any]:
    """Return the Cognito app client of a client, as Cognito describes it."""
    context = probe.context
    response = probe.aws(
        "cognito-idp",
        "describe_user_pool_client",
        UserPoolId=context.user_pool_id,
        ClientId=context.all_clients[name]["clientId"],
    )
    found: dict[str, Any] = response["UserPoolClient"]
    if original := found.get("ClientSecret"):
        context.blanker.learn(original, username=found["ClientId"])
    return found


def find_inventory(probe: Probe, name: str) -> Inventory:
    """Return what Secrets Manager and Cognito hold of a client, without any value."""
    context = probe.context
    client = context.all_clients[name]
    return read_inventory(
        secrets_manager=_RecordedClient(probe, "secretsmanager"),
        cognito=_RecordedClient(probe, "cognito-idp"),
        user_pool_id=context.user_pool_id,
        client_id=client["clientId"],
        secret_arn=client["secretArn"],
    )


class _RecordedClient:
    """The AWS client of a service, which records its calls as a check's evidence."""

    def __init__(self, probe: Probe, service: str) -> None:
        self._probe = probe
        self._service = service

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        return partial(self._probe.aws, self._service, operation)


def host_operations(probe: Probe) -> HostOperations:
    """Return the operations of the stack's host."""
    return HOSTS[probe.context.settings.hosting]


def require_feature(probe: Probe, feature: Feature) -> None:
    """Require that the stack's host has a feature.

    Raises:
        Skipped: it hasn't.
    """
    missing = DEFINITIONS[probe.context.settings.hosting].missing
    if feature in missing:
        raise Skipped(missing[feature])


def image_settings(probe: Probe) -> ImageHostSettings:
    """Return the settings of a host that runs an image.

    Raises:
        Skipped: the host runs no image.
    """
    require_feature(probe, Feature.IMAGE)
    return probe.context.settings.host_as(ImageHostSettings)


def find_service(probe: Probe) -> Service:
    """Return the running service, as its host describes it.

    Raises:
        Failed: there is no service with the stack's name.
    """
    host = host_operations(probe)
    try:
        return host.describe(probe.aws, host.find(probe.aws, probe.context.names))
    except NoServiceError as error:
        raise Failed(str(error)) from error


def function_names(probe: Probe) -> tuple[str, ...]:
    """Return the names of the stack's Lambda functions, except the server's."""
    context = probe.context
    names, settings = context.names, context.settings
    return (
        names.claims_function,
        names.rotation_function,
        *([names.canary_function] if settings.monitoring.enabled else []),
        *host_operations(probe).helpers(names, settings),
    )


def log_group_names(probe: Probe) -> tuple[str, ...]:
    """Return the names of the functions' and the service's log groups, without the access logs."""
    functions = (find_function_log_group(probe, each) for each in function_names(probe))
    return (*functions, *find_service(probe).log_groups)


def find_log_groups(probe: Probe, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the log groups that exist, by name, as CloudWatch Logs describes them.

    The evidence has their retention and key only.
    """
    groups: dict[str, dict[str, Any]] = {}
    for name in names:
        # Groups are sorted by name, so the one with this name is before those that begin with it.
        found = probe.aws(
            "logs", "describe_log_groups", logGroupNamePrefix=name, limit=1, shown=_retention
        )["logGroups"]
        groups |= {group["logGroupName"]: group for group in found if group["logGroupName"] == name}
    return groups


def _retention(response: Mapping[str, Any]) -> list[dict[str, Any]]:
    shown = ("logGroupName", "retentionInDays", "kmsKeyId")
    return [{key: group[key] for key in shown if key in group} for group in response["logGroups"]]


def expect_configured_log(
    group: Mapping[str, Any], settings: StackSettings, *, key: str | None
) -> None:
    """Expect that a log group is kept and encrypted as configured.

    Args:
        group: the group, as CloudWatch Logs describes it.
        settings: the stack's configuration.
        key: ARN of the key that it should have, if any.

    Raises:
        Failed: it isn't.
    """
    name = group["logGroupName"]
    days = group.get("retentionInDays")
    expect_equal(f"the retention of {name} in days", days, settings.log_retention_days)
    expect_equal(f"the key of {name}", group.get("kmsKeyId"), key)


def find_function_log_group(probe: Probe, function: str) -> str:
    """Return the name of the log group that a Lambda function writes to.

    Args:
        probe: the check's probe.
        function: the function's name.
    """
    found = probe.aws(
        "lambda",
        "get_function_configuration",
        FunctionName=function,
        shown=lambda response: response["LoggingConfig"],
    )
    return str(found["LoggingConfig"]["LogGroup"])


def expect_own_code(probe: Probe, function: str, packed: bytes, write: Callable[[], Path]) -> None:
    """Expect that a Lambda function runs the code of this checkout.

    Args:
        probe: the check's probe.
        function: the function's name.
        packed: the function's package, made from this checkout.
        write: writes the package to a file, for the command that deploys it.

    Raises:
        Failed: it runs other code.
    """
    found = probe.aws("lambda", "get_function_configuration", FunctionName=function)
    # `pulumi refresh` doesn't notice this: Pulumi compares the code with what it last deployed.
    if found["CodeSha256"] != code_sha256(packed):
        raise Failed(
            f"{function} doesn't run this checkout's code: it was deployed from another version, or"
            f" changed by hand (last on {found['LastModified']}). To deploy this checkout's code,"
            f" run: python -m automation deploy --stack {probe.context.stack}. Or for this function"
            f" alone: aws lambda update-function-code --function-name {function} --zip-file"
            f" fileb://{relative_to_project(write())}"
        )


def read_log(probe: Probe, group: str) -> str:
    """Return the messages that a log group received during the last day.

    The evidence has their number only, not their text.

    Returns:
        At most some thousand messages, one per line, oldest first.
    """
    since = dt.datetime.now(dt.UTC) - dt.timedelta(hours=_HOURS)
    pages = probe.context.client("logs").get_paginator("filter_log_events")
    messages = [
        event["message"]
        for page in pages.paginate(
            logGroupName=group,
            startTime=int(since.timestamp() * 1000),
            PaginationConfig={"MaxItems": _MAX_EVENTS},
        )
        for event in page["events"]
    ]
    probe.note(f"logs filter_log_events {group}", f"{len(messages)} events in {_HOURS} hours")
    return "\n".join(messages)
