"""SNS's API: one handler per operation, from its validated request to its response."""

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from localcloud.aws import paging
from localcloud.aws.context import ServiceContext
from localcloud.aws.protocol import ApiError, without_nulls
from localcloud.aws.sns import rules
from localcloud.aws.sns.models import JsonObject, Subscription, Topic, Topics
from localcloud.aws.sns.publisher import Publisher

_Handler = Callable[[JsonObject], Awaitable[JsonObject]]
_PAGE: Final = 100
_ARN_COLONS: Final = 5
_PENDING: Final = "pending confirmation"
_DELIVERY_POLICY: Final = json.dumps(
    {
        "http": {
            "defaultHealthyRetryPolicy": {
                "minDelayTarget": 20,
                "maxDelayTarget": 20,
                "numRetries": 3,
                "numMaxDelayRetries": 0,
                "numNoDelayRetries": 0,
                "numMinDelayRetries": 0,
                "backoffFunction": "linear",
            },
            "disableSubscriptionOverrides": False,
            "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
        }
    }
)


class Sns:
    """The SNS of one account in one region."""

    def __init__(self, topics: Topics, publisher: Publisher, context: ServiceContext) -> None:
        """Serve topics.

        Args:
            topics: the topics.
            publisher: sends their messages.
            context: where and when the service runs.
        """
        self._topics = topics
        self._publisher = publisher
        self._context = context
        self._handlers: Mapping[str, _Handler] = {
            "ConfirmSubscription": self._confirm_subscription,
            "CreateTopic": self._create_topic,
            "DeleteTopic": self._delete_topic,
            "GetSubscriptionAttributes": self._get_subscription_attributes,
            "GetTopicAttributes": self._get_topic_attributes,
            "ListSubscriptions": self._list_subscriptions,
            "ListSubscriptionsByTopic": self._list_subscriptions_by_topic,
            "ListTagsForResource": self._list_tags_for_resource,
            "ListTopics": self._list_topics,
            "Publish": self._publish,
            "SetSubscriptionAttributes": self._set_subscription_attributes,
            "SetTopicAttributes": self._set_topic_attributes,
            "Subscribe": self._subscribe,
            "TagResource": self._tag_resource,
            "Unsubscribe": self._unsubscribe,
            "UntagResource": self._untag_resource,
        }

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request.

        Raises:
            ApiError: the operation fails.
        """
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError("InvalidAction", f"The stand-in's SNS doesn't support {operation}.")
        self._topics.remove_expired(self._context.clock())
        return await handler(parameters)

    async def confirm_subscriptions(self, parameters: Mapping[str, Any]) -> JsonObject:
        """Confirm a topic's pending subscriptions, as the owners of the addresses would.

        An operation of the stand-in's own.
        """
        topic = self._topic(parameters["TopicArn"])
        pending = [each for each in self._topics.subscriptions(topic.arn) if each.pending]
        for each in pending:
            # The link in the mail isn't signed.
            self._topics.put_subscription(replace(each, pending=False, authenticated=False))
        return {"SubscriptionArns": [each.arn for each in pending]}

    async def list_messages(self, parameters: Mapping[str, Any]) -> JsonObject:
        """List what a topic has delivered; an operation of the stand-in's own."""
        topic_arn = parameters["TopicArn"]
        return {
            "Messages": [
                without_nulls(
                    {
                        "Type": each.kind,
                        "Protocol": each.protocol,
                        "Endpoint": each.endpoint,
                        "Subject": each.subject,
                        "Message": each.message.text,
                        "MessageId": each.message.id,
                        "Timestamp": each.message.timestamp,
                        "Failure": each.failure,
                    }
                )
                for each in self._publisher.endpoints.deliveries.of(topic_arn)
            ]
        }

    # Topics

    async def _create_topic(self, parameters: JsonObject) -> JsonObject:
        name = parameters["Name"]
        rules.check_name(name)
        if "DataProtectionPolicy" in parameters:
            raise rules.unsupported("DataProtectionPolicy")
        arn = self._context.arn("sns", name)
        requested = parameters.get("Attributes", {})
        tags = rules.with_tags({}, parameters.get("Tags", []))
        existing = self._topics.find(arn)
        if existing is None:
            policy = rules.default_policy(arn, self._context.account_id)
            attributes = {"DisplayName": "", "Policy": policy}
            self._topics.put(
                Topic(
                    arn=arn,
                    name=name,
                    attributes=rules.topic_attributes(attributes, requested),
                    tags=tags,
                )
            )
        elif any(existing.attributes.get(key) != value for key, value in requested.items()):
            raise rules.invalid("Attributes Reason: Topic already exists with different attributes")
        elif tags and existing.tags != tags:
            raise rules.invalid("Tags Reason: Topic already exists with different tags")
        return {"TopicArn": arn}

    async def _delete_topic(self, parameters: JsonObject) -> JsonObject:
        self._topics.remove(self._topic_arn(parameters["TopicArn"]))
        return {}

    async def _list_topics(self, parameters: JsonObject) -> JsonObject:
        return _page("Topics", [{"TopicArn": each.arn} for each in self._topics], parameters)

    async def _get_topic_attributes(self, parameters: JsonObject) -> JsonObject:
        topic = self._topic(parameters["TopicArn"])
        subscriptions = self._topics.subscriptions(topic.arn)
        pending = sum(each.pending for each in subscriptions)
        return {
            "Attributes": {
                "TopicArn": topic.arn,
                "Owner": self._context.account_id,
                "EffectiveDeliveryPolicy": _DELIVERY_POLICY,
                "SubscriptionsConfirmed": str(len(subscriptions) - pending),
                "SubscriptionsPending": str(pending),
                "SubscriptionsDeleted": str(topic.deleted),
                **topic.attributes,
            }
        }

    async def _set_topic_attributes(self, parameters: JsonObject) -> JsonObject:
        topic = self._topic(parameters["TopicArn"])
        change = {parameters["AttributeName"]: parameters.get("AttributeValue", "")}
        attributes = rules.topic_attributes(topic.attributes, change)
        self._topics.put(replace(topic, attributes=attributes))
        return {}

    async def _tag_resource(self, parameters: JsonObject) -> JsonObject:
        topic = self._tagged(parameters)
        tags = rules.with_tags(topic.tags, parameters["Tags"])
        self._topics.put(replace(topic, tags=tags))
        return {}

    async def _untag_resource(self, parameters: JsonObject) -> JsonObject:
        topic = self._tagged(parameters)
        removed = set(parameters["TagKeys"])
        kept = {key: value for key, value in topic.tags.items() if key not in removed}
        self._topics.put(replace(topic, tags=kept))
        return {}

    async def _list_tags_for_resource(self, parameters: JsonObject) -> JsonObject:
        tags = self._tagged(parameters).tags
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    # Subscriptions

    async def _subscribe(self, parameters: JsonObject) -> JsonObject:
        topic = self._topic(parameters["TopicArn"])
        protocol, endpoint = parameters["Protocol"], parameters.get("Endpoint", "")
        rules.check_subscription(protocol, endpoint)
        raw = rules.raw_delivery(protocol, parameters.get("Attributes", {}))
        subscription = self._same(topic, protocol, endpoint)
        if subscription is None:
            pending = protocol in rules.CONFIRMED_BY_OWNER
            subscription = Subscription(
                arn=f"{topic.arn}:{uuid.uuid4()}",
                topic_arn=topic.arn,
                protocol=protocol,
                endpoint=endpoint,
                created_at=self._context.clock(),
                pending=pending,
                authenticated=not pending,
                raw=raw or False,
            )
            self._topics.put_subscription(subscription)
        elif raw not in {None, subscription.raw}:
            raise rules.invalid(
                "Attributes Reason: Subscription already exists with different attributes"
            )
        if subscription.pending:
            await self._publisher.request_confirmation(topic, subscription)
        hidden = subscription.pending and not parameters.get("ReturnSubscriptionArn")
        return {"SubscriptionArn": _PENDING if hidden else subscription.arn}

    async def _confirm_subscription(self, parameters: JsonObject) -> JsonObject:
        topic, token = self._topic(parameters["TopicArn"]), parameters["Token"]
        for each in self._topics.subscriptions(topic.arn):
            if each.token == token:
                authenticated = parameters.get("AuthenticateOnUnsubscribe") == "true"
                confirmed = replace(each, pending=False, authenticated=authenticated)
                self._topics.put_subscription(confirmed)
                return {"SubscriptionArn": each.arn}
        raise rules.invalid("Token")

    async def _unsubscribe(self, parameters: JsonObject) -> JsonObject:
        found = self._topics.subscription(parameters["SubscriptionArn"])
        if found is not None and found.pending:
            raise rules.invalid(
                "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending"
                " confirmation"
            )
        self._topics.remove_subscription(parameters["SubscriptionArn"])
        return {}

    async def _list_subscriptions(self, parameters: JsonObject) -> JsonObject:
        return self._listed(self._topics.subscriptions(), parameters)

    async def _list_subscriptions_by_topic(self, parameters: JsonObject) -> JsonObject:
        topic = self._topic(parameters["TopicArn"])
        return self._listed(self._topics.subscriptions(topic.arn), parameters)

    async def _get_subscription_attributes(self, parameters: JsonObject) -> JsonObject:
        found = self._subscription(parameters["SubscriptionArn"])
        return {"Attributes": rules.subscription_attributes(found, self._context.account_id)}

    async def _set_subscription_attributes(self, parameters: JsonObject) -> JsonObject:
        found = self._subscription(parameters["SubscriptionArn"])
        change = {parameters["AttributeName"]: parameters.get("AttributeValue", "")}
        raw = rules.raw_delivery(found.protocol, change)
        self._topics.put_subscription(replace(found, raw=bool(raw)))
        return {}

    # Messages

    async def _publish(self, parameters: JsonObject) -> JsonObject:
        for name in ("TargetArn", "PhoneNumber", "MessageStructure", "MessageGroupId"):
            if name in parameters:
                raise rules.unsupported(f"{name} of Publish")
        if "TopicArn" not in parameters:
            raise rules.invalid("TopicArn or TargetArn Reason: no value for required parameter")
        topic = self._topic(parameters["TopicArn"])
        message, subject = parameters["Message"], parameters.get("Subject")
        rules.check_message(message, subject)
        published = await self._publisher.publish(
            topic,
            message=message,
            subject=subject,
            attributes=parameters.get("MessageAttributes", {}),
        )
        return {"MessageId": published}

    def _listed(self, found: Sequence[Subscription], parameters: JsonObject) -> JsonObject:
        shown = [rules.listed(each, self._context.account_id) for each in found]
        return _page("Subscriptions", shown, parameters)

    def _same(self, topic: Topic, protocol: str, endpoint: str) -> Subscription | None:
        for each in self._topics.subscriptions(topic.arn):
            if (each.protocol, each.endpoint) == (protocol, endpoint):
                return each
        return None

    def _topic_arn(self, arn: str) -> str:
        if not arn.startswith(self._context.arn("sns", "")) or arn.count(":") != _ARN_COLONS:
            raise rules.invalid("TopicArn")
        return arn

    def _topic(self, arn: str) -> Topic:
        found = self._topics.find(self._topic_arn(arn))
        if found is None:
            raise rules.missing("Topic")
        return found

    def _tagged(self, parameters: JsonObject) -> Topic:
        found = self._topics.find(parameters["ResourceArn"])
        if found is None:
            raise ApiError("ResourceNotFound", "Resource does not exist", 404)
        return found

    def _subscription(self, arn: str) -> Subscription:
        found = self._topics.subscription(arn)
        if found is None:
            raise rules.missing("Subscription")
        return found


def _page(name: str, items: Sequence[Any], parameters: JsonObject) -> JsonObject:
    try:
        found, token = paging.page(items, size=_PAGE, token=parameters.get("NextToken"))
    except paging.InvalidTokenError:
        raise rules.invalid("NextToken") from None
    return {name: found, "NextToken": token}
