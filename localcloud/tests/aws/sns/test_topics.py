import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from localcloud.aws.context import ServiceContext
from localcloud.aws.functions import Source
from localcloud.aws.protocol import ApiError
from localcloud.aws.sns.endpoints import Endpoints
from localcloud.aws.sns.messages import Message
from localcloud.aws.sns.models import Subscription, Topics
from localcloud.aws.sns.operations import Sns
from localcloud.aws.sns.publisher import Publisher

ACCOUNT = "000000000000"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:page"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:messages"
ALARM = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:canary"
RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/failed"
CLOUDWATCH = Source(service="cloudwatch.amazonaws.com", arn=ALARM)
EVENTS = Source(service="events.amazonaws.com", arn=RULE)
ADDRESS = "oncall@example.com"
HOUR = 60 * 60


@dataclass
class FakeFunctions:
    """Accepts events unless a test says otherwise."""

    failure: str | None = None
    sent: list[tuple[str, Any, Source]] = field(default_factory=list)

    async def send(self, function: str, event: bytes, source: Source) -> str | None:
        self.sent.append((function, json.loads(event), source))
        return self.failure


@dataclass
class FakeQueues:
    """Accepts messages."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)

    async def send(self, queue_arn: str, body: str, topic_arn: str) -> str | None:
        self.sent.append((queue_arn, body, topic_arn))
        return None


@dataclass
class FakeUrls:
    """Accepts what it gets once a test says so."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    posted: list[str] = field(default_factory=list)

    async def deliver(self, message: Message, _subscription: Subscription) -> str | None:
        await self.open.wait()
        self.posted.append(message.text)
        return None

    async def request_confirmation(
        self, _message: Message, subscription: Subscription
    ) -> str | None:
        self.posted.append(subscription.token)
        return None


class Service:
    """SNS without HTTP."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.functions, self.queues, self.urls = FakeFunctions(), FakeQueues(), FakeUrls()
        self.metrics: list[tuple[str, str, float]] = []
        context = ServiceContext(region="us-east-1", account_id=ACCOUNT, clock=lambda: self.now)
        self.publisher = Publisher(
            topics=Topics(),
            endpoints=Endpoints(functions=self.functions, queues=self.queues, urls=self.urls),
            context=context,
            put_metrics=self.put_metrics,
        )
        self.api = Sns(self.publisher.topics, self.publisher, context)

    async def put_metrics(self, namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
        assert namespace == "AWS/SNS"
        for each in data:
            [dimension] = each["Dimensions"]
            self.metrics.append((dimension["Value"], each["MetricName"], each["Value"]))

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        return await self.api.call(operation, parameters)

    async def subscribe(self, protocol: str, endpoint: str, **more: Any) -> str:  # noqa: ANN401 - any JSON
        """Subscribe an endpoint, and return the ARN of the subscription."""
        subscribed = await self.call(
            "Subscribe",
            TopicArn=TOPIC,
            Protocol=protocol,
            Endpoint=endpoint,
            ReturnSubscriptionArn=True,
            **more,
        )
        return str(subscribed["SubscriptionArn"])

    async def attributes(self) -> dict[str, str]:
        found: dict[str, str] = (await self.call("GetTopicAttributes", TopicArn=TOPIC))[
            "Attributes"
        ]
        return found

    async def messages(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await self.api.list_messages({"TopicArn": TOPIC}))[
            "Messages"
        ]
        return listed

    async def set_policy(self, *statements: Mapping[str, Any]) -> None:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        await self.call(
            "SetTopicAttributes", TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy
        )


@pytest.fixture
async def service() -> Service:
    service = Service()
    await service.call("CreateTopic", Name="alarms")
    return service


def lets(principal: str, **condition: Any) -> dict[str, Any]:  # noqa: ANN401 - any condition
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": "sns:Publish",
        "Resource": TOPIC,
    }
    return {**statement, "Condition": condition} if condition else statement


# Topics


async def test_a_topic_is_created_once_with_the_same_settings(service: Service) -> None:
    assert await service.call("CreateTopic", Name="alarms") == {"TopicArn": TOPIC}
    for difference, reason in (
        ({"Attributes": {"DisplayName": "x"}}, "different attributes"),
        ({"Tags": [{"Key": "a", "Value": "1"}]}, "different tags"),
    ):
        with pytest.raises(ApiError, match=f"Topic already exists with {reason}") as error:
            await service.call("CreateTopic", Name="alarms", **difference)
        assert error.value.code == "InvalidParameter"
    assert (await service.call("ListTopics"))["Topics"] == [{"TopicArn": TOPIC}]


async def test_a_deleted_topic_takes_its_subscriptions_with_it(service: Service) -> None:
    await service.subscribe("lambda", FUNCTION)
    for _ in range(2):
        await service.call("DeleteTopic", TopicArn=TOPIC)
    assert (await service.call("ListSubscriptions"))["Subscriptions"] == []
    with pytest.raises(ApiError, match="Topic does not exist") as error:
        await service.attributes()
    assert (error.value.code, error.value.status) == ("NotFound", 404)


async def test_tags_are_added_and_removed(service: Service) -> None:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    await service.call("TagResource", ResourceArn=TOPIC, Tags=tags)
    await service.call("UntagResource", ResourceArn=TOPIC, TagKeys=["a"])
    assert (await service.call("ListTagsForResource", ResourceArn=TOPIC))["Tags"] == tags[1:]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    with pytest.raises(ApiError, match="at most 50 tags"):
        await service.call("TagResource", ResourceArn=TOPIC, Tags=many)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("Nonsense", "x", "Invalid parameter: AttributeName"),
        ("DeliveryPolicy", "{}", "doesn't support the attribute DeliveryPolicy"),
        ("LambdaSuccessFeedbackRoleArn", "x", "doesn't support the attribute Lambda"),
        ("KmsMasterKeyId", "alias/mine", "doesn't support the key alias/mine"),
        ("SignatureVersion", "3", "Invalid parameter: SignatureVersion"),
        ("Policy", "nonsense", "Policy Error: null"),
        ("Policy", '{"Statement": [{"Effect": "Allow"}]}', "Policy Error: null"),
        (
            "Policy",
            '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}}',
            "Policy statement action out of service scope!",
        ),
    ],
)
async def test_attributes_that_are_refused(
    service: Service, name: str, value: str, reason: str
) -> None:
    before = await service.attributes()
    with pytest.raises(ApiError, match=reason) as error:
        await service.call(
            "SetTopicAttributes", TopicArn=TOPIC, AttributeName=name, AttributeValue=value
        )
    assert error.value.code == "InvalidParameter"
    assert await service.attributes() == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a b", "Invalid parameter: Topic Name"),
        ("x" * 257, "Invalid parameter: Topic Name"),
        ("queue.fifo", "doesn't support FIFO topics"),
    ],
)
async def test_names_that_are_refused(service: Service, name: str, reason: str) -> None:
    with pytest.raises(ApiError, match=reason):
        await service.call("CreateTopic", Name=name)


# Subscriptions


async def test_an_address_gets_messages_once_its_owner_has_confirmed(service: Service) -> None:
    arn = await service.subscribe("email", ADDRESS)
    listed = await service.call("ListSubscriptionsByTopic", TopicArn=TOPIC)
    assert listed["Subscriptions"][0]["SubscriptionArn"] == "PendingConfirmation"
    await service.call("Publish", TopicArn=TOPIC, Message="lost")
    assert [each["Type"] for each in await service.messages()] == ["SubscriptionConfirmation"]
    assert (await service.attributes())["SubscriptionsPending"] == "1"

    confirmed = await service.api.confirm_subscriptions({"TopicArn": TOPIC})
    assert confirmed == {"SubscriptionArns": [arn]}
    found = await service.call("GetSubscriptionAttributes", SubscriptionArn=arn)
    assert found["Attributes"]["PendingConfirmation"] == "false"
    await service.call("Publish", TopicArn=TOPIC, Message="first")
    await service.call("Publish", TopicArn=TOPIC, Message="second", Subject="ALARM: canary")
    received = [(each["Subject"], each["Message"]) for each in (await service.messages())[1:]]
    assert received == [
        ("AWS Notification Message", "first"),
        ("ALARM: canary", "second"),
    ]


async def test_a_pending_subscription_shows_no_arn_unless_it_is_asked_for(
    service: Service,
) -> None:
    request = {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": ADDRESS}
    for _ in range(2):
        shown = await service.call("Subscribe", **request)
        assert shown == {"SubscriptionArn": "pending confirmation"}
    assert len((await service.call("ListSubscriptions"))["Subscriptions"]) == 1
    # Each request sends the mail again.
    assert len(await service.messages()) == 2


async def test_a_pending_subscription_cannot_be_removed_and_ends_by_itself(
    service: Service,
) -> None:
    arn = await service.subscribe("email", ADDRESS)
    with pytest.raises(ApiError, match="Cannot unsubscribe a subscription that is pending"):
        await service.call("Unsubscribe", SubscriptionArn=arn)
    service.now += 48 * HOUR - 1
    assert (await service.attributes())["SubscriptionsPending"] == "1"
    service.now += 1
    assert (await service.attributes())["SubscriptionsPending"] == "0"
    assert (await service.attributes())["SubscriptionsDeleted"] == "1"
    with pytest.raises(ApiError, match="Subscription does not exist"):
        await service.call("GetSubscriptionAttributes", SubscriptionArn=arn)


async def test_the_token_of_the_mail_confirms(service: Service) -> None:
    arn = await service.subscribe("email", ADDRESS)
    with pytest.raises(ApiError, match="Invalid parameter: Token"):
        await service.call("ConfirmSubscription", TopicArn=TOPIC, Token="guessed")
    found = service.publisher.topics.subscription(arn)
    assert found is not None
    assert found.token not in repr(found)
    confirmed = await service.call("ConfirmSubscription", TopicArn=TOPIC, Token=found.token)
    assert confirmed == {"SubscriptionArn": arn}
    assert (await service.attributes())["SubscriptionsConfirmed"] == "1"


async def test_a_removed_subscription_gets_nothing(service: Service) -> None:
    arn = await service.subscribe("lambda", FUNCTION)
    await service.call("Unsubscribe", SubscriptionArn=arn)
    await service.call("Publish", TopicArn=TOPIC, Message="text")
    assert service.functions.sent == []


@pytest.mark.parametrize(
    ("protocol", "endpoint", "attributes", "reason"),
    [
        ("email", "nobody", {}, "Invalid parameter: Email address"),
        ("lambda", "page", {}, "Invalid parameter: Lambda endpoint ARN"),
        ("sqs", "https://queue", {}, "Invalid parameter: SQS endpoint ARN"),
        ("https", "http://example.com", {}, "Endpoint must match the specified protocol"),
        ("http", "http://example.com", {}, "doesn't support the protocol http"),
        ("pigeon", "roof", {}, "Does not support this protocol string: pigeon"),
        ("sms", "+1", {}, "stand-in's SNS doesn't support the protocol sms"),
        ("sqs", QUEUE, {"FilterPolicy": "{}"}, "doesn't support the attribute FilterPolicy"),
        ("sqs", QUEUE, {"Nonsense": "x"}, "Invalid parameter: AttributeName"),
        ("email", ADDRESS, {"RawMessageDelivery": "true"}, "does not support raw message"),
    ],
)
async def test_subscriptions_that_are_refused(
    service: Service, protocol: str, endpoint: str, attributes: dict[str, str], reason: str
) -> None:
    with pytest.raises(ApiError, match=reason) as error:
        await service.subscribe(protocol, endpoint, Attributes=attributes)
    assert error.value.code == "InvalidParameter"


# Messages


async def test_a_function_gets_the_message_as_a_record(service: Service) -> None:
    arn = await service.subscribe("lambda", FUNCTION)
    published = await service.call("Publish", TopicArn=TOPIC, Message="text", Subject="title")
    [(function, event, source)] = service.functions.sent
    assert (function, source) == (FUNCTION, Source(service="sns.amazonaws.com", arn=TOPIC))
    [record] = event["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", arn)
    assert record["Sns"] == {
        "Type": "Notification",
        "MessageId": published["MessageId"],
        "TopicArn": TOPIC,
        "Subject": "title",
        "Message": "text",
        "Timestamp": "1970-01-01T00:16:40.000Z",
        "MessageAttributes": {},
    }


async def test_a_queue_gets_json_or_the_raw_message(service: Service) -> None:
    arn = await service.subscribe("sqs", QUEUE)
    await service.call("Publish", TopicArn=TOPIC, Message="first")
    await service.call(
        "SetSubscriptionAttributes",
        SubscriptionArn=arn,
        AttributeName="RawMessageDelivery",
        AttributeValue="true",
    )
    await service.call("Publish", TopicArn=TOPIC, Message="second")
    bodies = [body for _, body, _ in service.queues.sent]
    assert json.loads(bodies[0])["Message"] == "first"
    assert bodies[1] == "second"


async def test_a_failed_delivery_is_counted_and_stops_no_other(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.functions.failure = "not allowed"
    await service.subscribe("lambda", FUNCTION)
    await service.subscribe("sqs", QUEUE)
    await service.call("Publish", TopicArn=TOPIC, Message="text")
    assert len(service.queues.sent) == 1
    assert "the topic alarms didn't reach its subscription" in caplog.text
    assert FUNCTION not in caplog.text
    assert service.metrics == [
        ("alarms", "NumberOfMessagesPublished", 1),
        ("alarms", "NumberOfNotificationsDelivered", 1),
        ("alarms", "NumberOfNotificationsFailed", 1),
    ]
    assert [each.get("Failure") for each in await service.messages()] == ["not allowed", None]


async def test_a_url_confirms_by_its_token_and_delays_no_publisher(service: Service) -> None:
    arn = await service.subscribe("https", "https://example.com/key")
    await asyncio.gather(*service.publisher.background)
    [token] = service.urls.posted
    await service.call("ConfirmSubscription", TopicArn=TOPIC, Token=token)
    published = await service.call("Publish", TopicArn=TOPIC, Message="text")
    assert service.urls.posted == [token]
    service.urls.open.set()
    await asyncio.gather(*service.publisher.background)
    assert service.urls.posted == [token, "text"]
    assert ("alarms", "NumberOfNotificationsDelivered", 1) in service.metrics
    assert (await service.messages())[-1]["MessageId"] == published["MessageId"]
    found = await service.call("GetSubscriptionAttributes", SubscriptionArn=arn)
    assert found["Attributes"]["ConfirmationWasAuthenticated"] == "false"


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        ({"TopicArn": TOPIC, "Message": ""}, "Empty message"),
        ({"TopicArn": TOPIC, "Message": "x" * (256 * 1024 + 1)}, "Message too long"),
        ({"TopicArn": TOPIC, "Message": "x", "Subject": "x" * 101}, "parameter: Subject"),
        ({"TopicArn": TOPIC, "Message": "x", "Subject": "two\nlines"}, "parameter: Subject"),
        ({"PhoneNumber": "+1", "Message": "x"}, "support PhoneNumber of Publish"),
        ({"Message": "x"}, "no value for required parameter"),
        ({"TopicArn": "arn:aws:sqs:x", "Message": "x"}, "Invalid parameter: TopicArn"),
        ({"TopicArn": f"{TOPIC}-other", "Message": "x"}, "Topic does not exist"),
    ],
)
async def test_messages_that_are_refused(
    service: Service, request_: dict[str, str], reason: str
) -> None:
    with pytest.raises(ApiError, match=reason):
        await service.call("Publish", **request_)


async def test_an_operation_that_is_not_supported_is_refused_by_name(service: Service) -> None:
    with pytest.raises(ApiError, match="doesn't support PublishBatch") as error:
        await service.call("PublishBatch", TopicArn=TOPIC)
    assert error.value.code == "InvalidAction"


# Services of the account


async def publish_as(service: Service, source: Source) -> str | None:
    return await service.publisher.publish_as(TOPIC, source=source, message="text")


async def test_the_default_policy_lets_alarms_publish_and_rules_not(service: Service) -> None:
    await service.subscribe("sqs", QUEUE)
    assert await publish_as(service, CLOUDWATCH) is None
    refused = await publish_as(service, EVENTS)
    assert refused is not None
    assert "doesn't let events.amazonaws.com publish" in refused
    assert len(service.queues.sent) == 1


async def test_another_policy_decides_alone(service: Service) -> None:
    await service.set_policy(lets("events.amazonaws.com", ArnEquals={"aws:SourceArn": RULE}))
    assert await publish_as(service, EVENTS) is None
    assert await publish_as(service, CLOUDWATCH) is not None
    other = Source(service="events.amazonaws.com", arn=f"{RULE}-other")
    assert await publish_as(service, other) is not None
    await service.set_policy(
        lets("cloudwatch.amazonaws.com", StringEquals={"aws:SourceAccount": ACCOUNT})
    )
    assert await publish_as(service, CLOUDWATCH) is None


async def test_a_policy_for_everyone_lets_every_service_publish(service: Service) -> None:
    await service.set_policy({**lets("x"), "Principal": {"AWS": "*"}})
    assert await publish_as(service, EVENTS) is None


async def test_the_key_of_aws_keeps_services_from_publishing(service: Service) -> None:
    for value, refused in (("alias/aws/sns", True), ("", False)):
        await service.call(
            "SetTopicAttributes",
            TopicArn=TOPIC,
            AttributeName="KmsMasterKeyId",
            AttributeValue=value,
        )
        failure = await publish_as(service, CLOUDWATCH)
        assert (failure is not None) is refused
    assert "KmsMasterKeyId" not in await service.attributes()


async def test_a_missing_topic_is_a_failure_and_no_exception(service: Service) -> None:
    await service.call("DeleteTopic", TopicArn=TOPIC)
    assert "does not exist" in str(await publish_as(service, CLOUDWATCH))
