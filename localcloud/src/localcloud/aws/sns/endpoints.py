"""What messages are delivered to: functions, queues, URLs and the mailbox of the stand-in."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError

from localcloud.aws.account import Account
from localcloud.aws.functions import Source
from localcloud.aws.iam import rules as iam
from localcloud.aws.sns import messages
from localcloud.aws.sns.messages import Message
from localcloud.aws.sns.models import Subscription

PRINCIPAL: Final = "sns.amazonaws.com"
_KEPT: Final = 1000


class FunctionSender(Protocol):
    """Sends events to Lambda functions."""

    async def send(self, function: str, event: bytes, source: Source) -> str | None:
        """Send an event, and return why Lambda didn't accept it."""


class QueueSender(Protocol):
    """Sends messages to SQS queues."""

    async def send(self, queue_arn: str, body: str, topic_arn: str) -> str | None:
        """Send a message, and return why the queue didn't accept it."""


class UrlSender(Protocol):
    """Sends messages to URLs."""

    async def deliver(self, message: Message, subscription: Subscription) -> str | None:
        """Send a message, and return why the URL didn't accept it."""

    async def request_confirmation(
        self, message: Message, subscription: Subscription
    ) -> str | None:
        """Send the link that confirms, and return why the URL didn't accept it."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A message that was sent to an endpoint.

    Attributes:
        kind: Notification or SubscriptionConfirmation.
        protocol, endpoint: where it was sent.
        message: the message.
        subject: the subject of the mail, or that of the message.
        failure: why the endpoint didn't accept it.
    """

    kind: str
    protocol: str
    endpoint: str
    message: Message
    subject: str | None
    failure: str | None = None


class Deliveries:
    """The latest deliveries, newest last."""

    def __init__(self) -> None:
        """Start without deliveries."""
        self._kept: list[Delivery] = []

    def add(self, delivery: Delivery) -> None:
        """Add a delivery."""
        self._kept = [*self._kept[1 - _KEPT :], delivery]

    def of(self, topic_arn: str) -> list[Delivery]:
        """List the deliveries of a topic's messages."""
        return [each for each in self._kept if each.message.topic_arn == topic_arn]


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Delivers messages, and keeps what it has delivered.

    Attributes:
        functions: sends events to functions.
        queues: sends messages to queues.
        urls: sends messages to URLs.
        deliveries: what has been delivered; the mailbox of every address.
    """

    functions: FunctionSender
    queues: QueueSender
    urls: UrlSender
    deliveries: Deliveries = field(default_factory=Deliveries)

    async def deliver(self, message: Message, subscription: Subscription) -> str | None:
        """Deliver a message to a confirmed subscription, and return why it failed."""
        failure, subject = None, message.subject
        match subscription.protocol:
            case "lambda":
                failure = await self.functions.send(
                    subscription.endpoint,
                    messages.function_event(message, subscription),
                    Source(service=PRINCIPAL, arn=message.topic_arn),
                )
            case "sqs":
                body = messages.notification(message, subscription)
                failure = await self.queues.send(subscription.endpoint, body, message.topic_arn)
            case "https":
                failure = await self.urls.deliver(message, subscription)
            case _:
                subject = subject or messages.MAIL_SUBJECT
        self.deliveries.add(
            Delivery(
                kind="Notification",
                protocol=subscription.protocol,
                endpoint=subscription.endpoint,
                message=message,
                subject=subject,
                failure=failure,
            )
        )
        return failure

    async def request_confirmation(self, message: Message, subscription: Subscription) -> None:
        """Send the link that confirms a subscription."""
        failure: str | None = None
        subject: str | None = messages.CONFIRMATION_SUBJECT
        if subscription.protocol == "https":
            failure, subject = await self.urls.request_confirmation(message, subscription), None
        self.deliveries.add(
            Delivery(
                kind="SubscriptionConfirmation",
                protocol=subscription.protocol,
                endpoint=subscription.endpoint,
                message=message,
                subject=subject,
                failure=failure,
            )
        )


class Queues:
    """The account's SQS queues, as SNS sees them."""

    def __init__(self, account: Account) -> None:
        """Send to the queues of an account."""
        self._sqs = account.client("sqs")

    async def send(self, queue_arn: str, body: str, topic_arn: str) -> str | None:
        """Send a message if the queue's policy lets SNS do so."""
        try:
            return await asyncio.to_thread(self._send, queue_arn, body, topic_arn)
        except ClientError as error:
            return str(error)

    def _send(self, queue_arn: str, body: str, topic_arn: str) -> str | None:
        account_id, name = queue_arn.split(":")[4:]
        url = self._sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account_id)["QueueUrl"]
        attributes: dict[str, Any] = self._sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["Policy"]
        ).get("Attributes", {})
        policy = json.loads(attributes.get("Policy") or "{}")
        context = {"aws:SourceArn": topic_arn, "aws:SourceAccount": account_id}
        if not iam.lets_service(policy, PRINCIPAL, "sqs:SendMessage", queue_arn, context):
            return f"the policy of {queue_arn} doesn't let {PRINCIPAL} send messages"
        self._sqs.send_message(QueueUrl=url, MessageBody=body)
        return None
