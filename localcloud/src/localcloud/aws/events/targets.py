"""What rules invoke: functions, topics and log groups."""

import asyncio
import json
import uuid
from dataclasses import dataclass
from typing import Final, Protocol

from localcloud.aws.account import Account
from localcloud.aws.functions import Source
from localcloud.aws.iam import rules as iam

_LOG_ACTIONS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


class FunctionSender(Protocol):
    """Sends events to Lambda functions."""

    async def send(self, function: str, event: bytes, source: Source) -> str | None:
        """Send an event, and return why Lambda didn't accept it."""


class TopicPublisher(Protocol):
    """Publishes to SNS topics."""

    async def publish_as(self, topic_arn: str, *, source: Source, message: str) -> str | None:
        """Publish a message, and return why that isn't possible."""


class LogWriter(Protocol):
    """Writes to log groups."""

    async def write(self, group_arn: str, message: str, at: float, source: Source) -> str | None:
        """Write an event, and return why that isn't possible."""


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Everything that rules can invoke.

    Attributes:
        functions: the functions.
        topics: the topics.
        logs: the log groups.
    """

    functions: FunctionSender
    topics: TopicPublisher
    logs: LogWriter

    async def invoke(self, target_arn: str, event: str, at: float, source: Source) -> str | None:
        """Invoke a target, and return why it didn't accept the event.

        Args:
            target_arn: the target.
            event: the event, as JSON.
            at: when it happened, in seconds since the epoch.
            source: the rule.
        """
        match target_arn.split(":")[2]:
            case "sns":
                return await self.topics.publish_as(target_arn, source=source, message=event)
            case "logs":
                return await self.logs.write(target_arn, event, at, source)
            case _:
                return await self.functions.send(target_arn, event.encode(), source)


class LogGroups:
    """The account's log groups, as services see them."""

    def __init__(self, account: Account) -> None:
        """Write to the log groups of an account."""
        self._account = account
        self._logs = account.client("logs")

    async def write(self, group_arn: str, message: str, at: float, source: Source) -> str | None:
        """Write an event to a new stream if a resource policy of CloudWatch Logs lets a service."""
        group_arn = group_arn.removesuffix(":*")
        group, stream = group_arn.partition(":log-group:")[2], str(uuid.uuid4())
        context = {"aws:SourceArn": source.arn, "aws:SourceAccount": self._account.account_id}
        policies = await asyncio.to_thread(self._policies)
        # Statements of several policies count together.
        document = {"Statement": [each for policy in policies for each in _statements(policy)]}
        resource = f"{group_arn}:log-stream:{stream}"
        for action in _LOG_ACTIONS:
            if not iam.lets_service(document, source.service, action, resource, context):
                return f"no resource policy lets {source.service} do {action} in {group}"
        if not await self._account.create_log_stream(group, stream):
            return f"the log group {group} does not exist"
        await self._account.put_log_events(
            group, stream, [(int(at * 1000), message)], creates_group=False
        )
        return None

    def _policies(self) -> list[iam.Document]:
        found = self._logs.describe_resource_policies()["resourcePolicies"]
        return [json.loads(each["policyDocument"]) for each in found]


def _statements(document: iam.Document) -> list[iam.Document]:
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]
