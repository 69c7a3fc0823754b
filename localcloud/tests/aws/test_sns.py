"""SNS at the endpoint, by boto3: a real function and a real queue get a topic's messages."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from botocore.exceptions import ClientError

from aws.calls import Raw, send
from aws.conftest import ACCOUNT, REGION, AwsEndpoint
from aws.recording_function import RecordingFunction

pytestmark = pytest.mark.stand_in


@dataclass
class Receiver:
    """Gets messages at a URL."""

    url: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.received.append(json.loads(await request.text()))
        self.arrived.set()
        return web.Response()

    async def wait_for(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a message that satisfies a condition."""
        async with asyncio.timeout(30):
            while not (found := [each for each in self.received if condition(each)]):
                self.arrived.clear()
                await self.arrived.wait()
        return found[0]


@pytest.fixture
async def receiver(endpoint: AwsEndpoint) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.answer), shutdown_timeout=0.1)
    await runner.setup()
    tls = endpoint.authority.server_context(["localhost"])
    await web.TCPSite(runner, "localhost", 0, ssl_context=tls).start()
    receiver.url = f"https://localhost:{runner.addresses[0][1]}/"
    yield receiver
    await runner.cleanup()


def test_a_function_and_a_queue_get_messages_if_their_policies_let_sns(
    endpoint: AwsEndpoint,
) -> None:
    sns, sqs, name = endpoint.client("sns"), endpoint.client("sqs"), f"topic-{uuid.uuid4()}"
    topic = sns.create_topic(Name=name, Tags=[{"Key": "Project", "Value": "x"}])["TopicArn"]
    function = RecordingFunction.create(endpoint, name)
    queue = sqs.create_queue(QueueName=f"{name}-queue")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}-queue"
    for protocol, arn in (("lambda", function.arn), ("sqs", queue_arn)):
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=arn)

    sns.publish(TopicArn=topic, Message="refused")
    failures = [
        each["Failure"]
        for each in endpoint.control().call("ListMessages", TopicArn=topic)["Messages"]
    ]
    assert len(failures) == 2
    assert all("doesn't let sns.amazonaws.com" in failure for failure in failures)

    function.allow("sns.amazonaws.com", SourceArn=topic)
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    attribute = {"Severity": {"DataType": "String", "StringValue": "high"}}
    sent = sns.publish(TopicArn=topic, Message="text", MessageAttributes=attribute)
    [event] = function.wait_for_events(1)
    [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    record = event["Records"][0]["Sns"]
    received = json.loads(message["Body"])
    assert record["MessageId"] == received["MessageId"] == sent["MessageId"]
    assert received["Message"] == "text"
    assert record["MessageAttributes"] == {"Severity": {"Type": "String", "Value": "high"}}
    sns.delete_topic(TopicArn=topic)


def test_an_address_is_subscribed_once_it_is_confirmed(endpoint: AwsEndpoint) -> None:
    sns, name = endpoint.client("sns"), f"topic-{uuid.uuid4()}"
    topic = sns.create_topic(Name=name, Attributes={"DisplayName": "Alarms"})["TopicArn"]
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "Alarms"
    subscription = sns.subscribe(
        TopicArn=topic,
        Protocol="email",
        Endpoint="oncall@example.com",
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    with pytest.raises(sns.exceptions.InvalidParameterException, match="pending confirmation"):
        sns.unsubscribe(SubscriptionArn=subscription)
    endpoint.control().call("ConfirmSubscriptions", TopicArn=topic)
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == subscription
    sns.publish(TopicArn=topic, Message="text", Subject="title")
    mails = endpoint.control().call("ListMessages", TopicArn=topic)["Messages"]
    assert [(mail["Type"], mail["Subject"]) for mail in mails] == [
        ("SubscriptionConfirmation", "AWS Notification - Subscription Confirmation"),
        ("Notification", "title"),
    ]
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.delete_topic(TopicArn=topic)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_topic_attributes(TopicArn=topic)
    with pytest.raises(ClientError, match="Member must not be null"):
        sns.subscribe(TopicArn=topic)


async def test_a_url_is_subscribed_by_the_link_that_it_gets(
    endpoint: AwsEndpoint, receiver: Receiver
) -> None:
    sns = endpoint.client("sns")
    topic = sns.create_topic(Name=f"topic-{uuid.uuid4()}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=receiver.url)
    asked = await receiver.wait_for(lambda each: each["Type"] == "SubscriptionConfirmation")
    link = asked["SubscribeURL"]
    async with aiohttp.ClientSession() as session:
        for changed, status in (
            (link.replace(asked["Token"], "guessed"), 400),
            (link.replace("ConfirmSubscription", "ListTopics"), 403),
            (link, 200),
        ):
            async with session.get(changed) as response:
                assert response.status == status, changed
    sns.publish(TopicArn=topic, Message="text")
    sent = await receiver.wait_for(lambda each: each["Type"] == "Notification")
    assert (sent["Message"], sent["TopicArn"]) == ("text", topic)
    sns.delete_topic(TopicArn=topic)


def test_a_link_that_confirms_is_for_this_machine_only(endpoint: AwsEndpoint) -> None:
    link = Raw(
        method="GET",
        target="/?Action=ConfirmSubscription&TopicArn=x&Token=y",
        headers={"host": "example.com"},
    )
    assert send(endpoint.registry, link).status == 403
