"""What each protocol delivers. Pure.

Sources: "Parsing Amazon SNS message formats" in the developer guide of SNS, and "Invoking Lambda
functions with Amazon SNS notifications" in that of Lambda. Messages aren't signed here.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from localcloud.aws.protocol import without_nulls
from localcloud.aws.sns.models import Subscription

MAIL_SUBJECT: Final = "AWS Notification Message"
CONFIRMATION_SUBJECT: Final = "AWS Notification - Subscription Confirmation"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A published message.

    Attributes:
        id: its id.
        topic_arn: the topic.
        text: the message.
        subject: its subject, if it has one.
        published_at: when it was published, in seconds since the epoch.
        attributes: its attributes, in the structures of the API.
    """

    id: str
    topic_arn: str
    text: str
    subject: str | None
    published_at: float
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def timestamp(self) -> str:
        """When it was published, as in messages."""
        at = dt.datetime.fromtimestamp(self.published_at, dt.UTC)
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def notification(message: Message, subscription: Subscription) -> str:
    """Return the JSON that queues get."""
    if subscription.raw:
        return message.text
    return json.dumps(_described(message))


def function_event(message: Message, subscription: Subscription) -> bytes:
    """Return the event that functions get."""
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription.arn,
        # AWS sends null without a subject, and an object without attributes.
        "Sns": {
            "Subject": message.subject,
            "MessageAttributes": {},
            **_described(message),
        },
    }
    return json.dumps({"Records": [record]}).encode()


def _described(message: Message) -> dict[str, Any]:
    attributes = {
        name: without_nulls(
            {
                "Type": value["DataType"],
                "Value": value.get("StringValue", value.get("BinaryValue")),
            }
        )
        for name, value in message.attributes.items()
    }
    described: dict[str, Any] = without_nulls(
        {
            "Type": "Notification",
            "MessageId": message.id,
            "TopicArn": message.topic_arn,
            "Subject": message.subject,
            "Message": message.text,
            "Timestamp": message.timestamp,
            "MessageAttributes": attributes or None,
        }
    )
    return described
