"""Topics and their subscriptions."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

JsonObject = dict[str, Any]
# Source: the developer guide of SNS, "Confirming a subscription": they are deleted after 48 hours.
_PENDING_SECONDS: Final = 48 * 60 * 60


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic.

    Attributes:
        arn, name: its names.
        attributes: what can be set of it, by the names of the API.
        tags: its tags.
        deleted: the number of subscriptions that it has lost.
    """

    arn: str
    name: str
    attributes: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    deleted: int = 0


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """A subscription to a topic.

    Attributes:
        arn: its ARN.
        topic_arn: the topic.
        protocol: how messages are delivered.
        endpoint: where to: an address or an ARN.
        created_at: when it was requested, in seconds since the epoch.
        pending: whether the owner of the endpoint still has to confirm it.
        authenticated: whether it was confirmed by a signed request.
        raw: whether messages are delivered without the JSON around them.
        token: what confirms it.
    """

    arn: str
    topic_arn: str
    protocol: str
    endpoint: str
    created_at: float
    pending: bool
    authenticated: bool
    raw: bool = False
    token: str = field(default_factory=lambda: uuid.uuid4().hex * 4, repr=False)


class Topics:
    """The topics of one account in one region."""

    def __init__(self) -> None:
        """Start without topics."""
        self._topics: dict[str, Topic] = {}
        self._subscriptions: dict[str, Subscription] = {}

    def __iter__(self) -> Iterator[Topic]:
        """Iterate over all topics, by ARN."""
        return iter([self._topics[arn] for arn in sorted(self._topics)])

    def find(self, arn: str) -> Topic | None:
        """Find a topic."""
        return self._topics.get(arn)

    def put(self, topic: Topic) -> None:
        """Store a topic, in place of an earlier state of it."""
        self._topics[topic.arn] = topic

    def remove(self, arn: str) -> None:
        """Forget a topic and its subscriptions, if it exists."""
        self._topics.pop(arn, None)
        for each in self.subscriptions(arn):
            del self._subscriptions[each.arn]

    def subscriptions(self, topic_arn: str | None = None) -> list[Subscription]:
        """List the subscriptions of a topic, or all of them."""
        return [
            each for each in self._subscriptions.values() if topic_arn in {None, each.topic_arn}
        ]

    def subscription(self, arn: str) -> Subscription | None:
        """Find a subscription."""
        return self._subscriptions.get(arn)

    def put_subscription(self, subscription: Subscription) -> None:
        """Store a subscription, in place of an earlier state of it."""
        self._subscriptions[subscription.arn] = subscription

    def remove_subscription(self, arn: str) -> None:
        """Forget a subscription, if it exists."""
        removed = self._subscriptions.pop(arn, None)
        if removed is not None:
            topic = self._topics[removed.topic_arn]
            self.put(replace(topic, deleted=topic.deleted + 1))

    def remove_expired(self, now: float) -> None:
        """Forget the subscriptions that nobody has confirmed in time."""
        for each in self.subscriptions():
            if each.pending and each.created_at + _PENDING_SECONDS <= now:
                self.remove_subscription(each.arn)
