"""Executes the actions of alarms, which are SNS topics and Lambda functions.

Sources: "Using Amazon SNS with CloudWatch alarms" and "Invoke a Lambda function from an alarm" in
the user guide, for the service principals.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from localcloud.aws.functions import Source

Execute = Callable[[str, str, str, str], Awaitable[str | None]]
"""Executes an action, with its ARN, the alarm's ARN, a subject and a message; returns why that
isn't possible, or None."""

_FUNCTION: Final = ":lambda:"
_TOPICS_PRINCIPAL: Final = "cloudwatch.amazonaws.com"
_FUNCTIONS_PRINCIPAL: Final = "lambda.alarms.cloudwatch.amazonaws.com"


class Topics(Protocol):
    """SNS."""

    async def publish_as(
        self, topic_arn: str, *, source: Source, message: str, subject: str | None = None
    ) -> str | None:
        """Publish a message on behalf of a service, and return why that isn't possible."""


class Functions(Protocol):
    """Lambda."""

    async def send(self, function: str, event: bytes, source: Source) -> str | None:
        """Send an event to a function, and return why that isn't possible."""


def is_function(action: str) -> bool:
    """Return whether an action is a Lambda function, and not an SNS topic."""
    return _FUNCTION in action


class AlarmActions:
    """Executes actions."""

    def __init__(self, topics: Topics, functions: Functions) -> None:
        """Use the account's topics and functions."""
        self._topics = topics
        self._functions = functions

    async def execute(self, action: str, alarm: str, subject: str, message: str) -> str | None:
        """Execute an action, and return why that isn't possible.

        Args:
            action: the ARN of a topic or a function.
            alarm: the alarm's ARN.
            subject: the subject of a topic's message.
            message: the message, or a function's event as JSON.
        """
        if is_function(action):
            source = Source(service=_FUNCTIONS_PRINCIPAL, arn=alarm)
            return await self._functions.send(action, message.encode(), source)
        source = Source(service=_TOPICS_PRINCIPAL, arn=alarm)
        return await self._topics.publish_as(
            action, source=source, message=message, subject=subject
        )
