"""Sends a message to the subscriptions of a topic."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.aws.context import ServiceContext
from localcloud.aws.functions import Source
from localcloud.aws.sns import rules
from localcloud.aws.sns.endpoints import Endpoints
from localcloud.aws.sns.messages import Message
from localcloud.aws.sns.models import Subscription, Topic, Topics

_LOG = logging.getLogger(__name__)
PutMetrics = Callable[[str, Sequence[Mapping[str, Any]]], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Publishes messages, for callers of the API and for services of the account.

    Attributes:
        topics: the topics.
        endpoints: what messages are delivered to.
        context: where and when the service runs.
        put_metrics: writes metrics to a namespace.
    """

    topics: Topics
    endpoints: Endpoints
    context: ServiceContext
    put_metrics: PutMetrics

    async def publish_as(
        self, topic_arn: str, *, source: Source, message: str, subject: str | None = None
    ) -> str | None:
        """Publish a message on behalf of a service, and return why that isn't possible.

        Args:
            topic_arn: the topic.
            source: the service, and the resource that it acts for.
            message: the message.
            subject: the subject of mails.
        """
        topic = self.topics.find(topic_arn)
        if topic is None:
            return f"the topic {topic_arn} does not exist"
        failure = rules.why_not_published(topic, source, self.context.account_id)
        if failure is None:
            await self.publish(topic, message=message, subject=subject)
        return failure

    async def publish(
        self,
        topic: Topic,
        *,
        message: str,
        subject: str | None = None,
        attributes: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> str:
        """Publish a message, and return its id.

        A failed delivery is logged and counted: on AWS, too, the publisher isn't informed.
        """
        published = self._message(topic, message, subject, attributes or {})
        confirmed = [each for each in self.topics.subscriptions(topic.arn) if not each.pending]
        failures = await asyncio.gather(
            *(self.endpoints.deliver(published, each) for each in confirmed)
        )
        for subscription, failure in zip(confirmed, failures, strict=True):
            if failure is not None:
                _LOG.warning(
                    "the topic %s didn't reach %s: %s", topic.name, subscription.endpoint, failure
                )
        failed = sum(failure is not None for failure in failures)
        await self._count(topic, delivered=len(confirmed) - failed, failed=failed)
        return published.id

    def request_confirmation(self, topic: Topic, subscription: Subscription) -> None:
        """Send the mail that asks whether an address wants a topic's messages."""
        text = (
            f"You have chosen to subscribe to the topic {topic.arn}. To confirm this subscription,"
            " visit the SubscribeURL included in this message."
        )
        confirmation = self._message(topic, text, None, {})
        self.endpoints.request_confirmation(confirmation, subscription)

    def _message(
        self,
        topic: Topic,
        text: str,
        subject: str | None,
        attributes: Mapping[str, Mapping[str, Any]],
    ) -> Message:
        return Message(
            id=str(uuid.uuid4()),
            topic_arn=topic.arn,
            text=text,
            subject=subject,
            published_at=self.context.clock(),
            attributes=attributes,
        )

    async def _count(self, topic: Topic, *, delivered: int, failed: int) -> None:
        """Write the metrics of one message; AWS writes those that aren't zero."""
        counts = {
            "NumberOfMessagesPublished": 1,
            "NumberOfNotificationsDelivered": delivered,
            "NumberOfNotificationsFailed": failed,
        }
        dimensions = [{"Name": "TopicName", "Value": topic.name}]
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Value": count, "Unit": "Count"}
            for name, count in counts.items()
            if count
        ]
        try:
            await self.put_metrics("AWS/SNS", data)
        except Exception:  # a message must not depend on its metrics  # noqa: BLE001
            _LOG.warning("the metrics of the topic %s were lost", topic.name, exc_info=True)
