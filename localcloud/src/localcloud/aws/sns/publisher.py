"""Sends a message to the subscriptions of a topic."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
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
        background: the deliveries that nobody waits for.
    """

    topics: Topics
    endpoints: Endpoints
    context: ServiceContext
    put_metrics: PutMetrics
    background: set[asyncio.Future[None]] = field(default_factory=set)

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
        soon = [each for each in confirmed if not _may_take_long(each)]
        self._in_background(
            self._deliver(topic, published, [each for each in confirmed if each not in soon])
        )
        await self._count(topic, NumberOfMessagesPublished=1)
        await self._deliver(topic, published, soon)
        return published.id

    async def request_confirmation(self, topic: Topic, subscription: Subscription) -> None:
        """Send the link that asks whether an endpoint wants a topic's messages."""
        text = (
            f"You have chosen to subscribe to the topic {topic.arn}. To confirm this subscription,"
            " visit the SubscribeURL included in this message."
        )
        confirmation = self._message(topic, text, None, {})
        requesting = self.endpoints.request_confirmation(confirmation, subscription)
        if _may_take_long(subscription):
            self._in_background(requesting)
        else:
            await requesting

    async def _deliver(
        self, topic: Topic, message: Message, subscriptions: Sequence[Subscription]
    ) -> None:
        failures = await asyncio.gather(
            *(self.endpoints.deliver(message, each) for each in subscriptions)
        )
        for subscription, failure in zip(subscriptions, failures, strict=True):
            if failure is not None:
                # A URL can have a secret in it.
                _LOG.warning(
                    "the topic %s didn't reach its subscription %s: %s",
                    topic.name,
                    subscription.arn.rpartition(":")[2],
                    failure,
                )
        failed = sum(failure is not None for failure in failures)
        await self._count(
            topic,
            NumberOfNotificationsDelivered=len(failures) - failed,
            NumberOfNotificationsFailed=failed,
        )

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        # The event loop itself doesn't keep it.
        self.background.add(task)
        task.add_done_callback(self.background.discard)

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

    async def _count(self, topic: Topic, **counts: int) -> None:
        """Write metrics of a topic; AWS writes those that aren't zero."""
        dimensions = [{"Name": "TopicName", "Value": topic.name}]
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Value": count, "Unit": "Count"}
            for name, count in counts.items()
            if count
        ]
        try:
            if data:
                await self.put_metrics("AWS/SNS", data)
        except Exception:  # a message must not depend on its metrics  # noqa: BLE001
            _LOG.warning("the metrics of the topic %s were lost", topic.name, exc_info=True)


def _may_take_long(subscription: Subscription) -> bool:
    """Return whether a delivery waits for what isn't part of the stand-in."""
    return subscription.protocol == "https"
