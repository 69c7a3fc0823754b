"""The end of a log, for the message of a failed deployment."""

from typing import Final

from botocore.exceptions import ClientError

from automation.hosting.host import Aws

_LINES: Final = 5


def log_end(aws: Aws, group: str) -> list[str]:
    """Return the last messages of a log group, or why there are none."""
    try:
        response = aws("logs", "filter_log_events", logGroupName=group)
    except ClientError as error:
        return [f"(can't be read: {error.response['Error']['Code']})"]
    lines = [event["message"].strip() for event in response["events"][-_LINES:]]
    return lines or ["(empty)"]
