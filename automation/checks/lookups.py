"""What several checks look up on AWS."""

import datetime as dt
from typing import Any, Final

from automation.checks.inspection import Inspection
from automation.checks.verdicts import Failed

# How far back logs are read, and how many events of a group.
_HOURS: Final = 24
_MOST_EVENTS: Final = 5000
# DescribeLogGroups takes no more.
_PAGE: Final = 50


def app_client(inspection: Inspection, name: str) -> dict[str, Any]:
    """Look up a client's app client.

    Args:
        inspection: the check's view.
        name: the client's name.

    Returns:
        The app client, as Cognito describes it.
    """
    context = inspection.context
    answer = inspection.aws(
        "cognito-idp",
        "describe_user_pool_client",
        UserPoolId=context.user_pool_id,
        ClientId=context.clients[name]["clientId"],
    )
    found: dict[str, Any] = answer["UserPoolClient"]
    return found


def service(inspection: Inspection) -> dict[str, Any]:
    """Look up the running service.

    Args:
        inspection: the check's view.

    Returns:
        The service, as App Runner describes it.

    Raises:
        Failed: there is none of that name.
    """
    name = inspection.context.names.service
    pages: dict[str, Any] = {}
    while True:
        answer = inspection.aws("apprunner", "list_services", **pages)
        for summary in answer["ServiceSummaryList"]:
            if summary["ServiceName"] == name:
                arn = summary["ServiceArn"]
                described = inspection.aws("apprunner", "describe_service", ServiceArn=arn)
                found: dict[str, Any] = described["Service"]
                return found
        if not answer.get("NextToken"):
            raise Failed(f"App Runner has no service {name}")
        pages = {"NextToken": answer["NextToken"]}


def claims_log_group(inspection: Inspection) -> str:
    """Look up where the claims function logs.

    Args:
        inspection: the check's view.

    Returns:
        The log group's name.
    """
    function = inspection.aws(
        "lambda",
        "get_function_configuration",
        FunctionName=inspection.context.names.claims_function,
    )
    return str(function["LoggingConfig"]["LogGroup"])


def log_groups(inspection: Inspection) -> dict[str, dict[str, Any]]:
    """Find the stack's log groups.

    Args:
        inspection: the check's view.

    Returns:
        The groups of the claims function and of the service, by name, as CloudWatch has them.
    """
    found = service(inspection)
    prefixes = (
        claims_log_group(inspection),
        f"/aws/apprunner/{found['ServiceName']}/{found['ServiceId']}/",
    )
    groups: dict[str, dict[str, Any]] = {}
    for prefix in prefixes:
        answer = inspection.aws(
            "logs", "describe_log_groups", logGroupNamePrefix=prefix, limit=_PAGE
        )
        groups |= {group["logGroupName"]: group for group in answer["logGroups"]}
    return groups


def log_text(inspection: Inspection, group: str) -> str:
    """Read what a log group took in of late.

    Args:
        inspection: the check's view; it keeps how much was read, not the text.
        group: the group's name.

    Returns:
        The messages of the last day, newest last, up to some thousands.
    """
    since = dt.datetime.now(dt.UTC) - dt.timedelta(hours=_HOURS)
    pages = inspection.context.client("logs").get_paginator("filter_log_events")
    messages = [
        event["message"]
        for page in pages.paginate(
            logGroupName=group,
            startTime=int(since.timestamp() * 1000),
            PaginationConfig={"MaxItems": _MOST_EVENTS},
        )
        for event in page["events"]
    ]
    inspection.note(f"logs filter_log_events {group}", f"{len(messages)} events of {_HOURS} hours")
    return "\n".join(messages)
