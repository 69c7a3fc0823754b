"""The log groups that App Runner creates, and what the stack configures about them. Pure."""

import json
from typing import Final

from components.settings import StackSettings

_ROLES: Final = ("application", "service")


def owns_logs(settings: StackSettings) -> bool:
    """Return whether the stack configures the log groups that App Runner creates."""
    return settings.monitoring.enabled or settings.log_key_arn is not None


def log_group_names(service_arn: str) -> tuple[str, ...]:
    """Return the names of a service's log groups, the one that the server writes to first.

    Source: "Viewing App Runner logs streamed to CloudWatch Logs" in the AWS App Runner Developer
    Guide.
    """
    name, service_id = service_arn.split("/")[1:]
    return tuple(f"/aws/apprunner/{name}/{service_id}/{role}" for role in _ROLES)


def configuration_event(service_arn: str, *, retention_days: int, key_arn: str | None) -> str:
    """Return the event that has the log function configure a service's log groups.

    Args:
        retention_days: days that a log event is kept.
        key_arn: ARN of the KMS key; None for CloudWatch's own encryption.
    """
    return json.dumps(
        {
            "logGroups": log_group_names(service_arn),
            "retentionDays": retention_days,
            "keyArn": key_arn,
        },
        separators=(",", ":"),
    )
