"""Deliveries to URLs, over TLS."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from localcloud.aws.sns.https import Retries, Urls
from localcloud.aws.sns.messages import Message
from localcloud.aws.sns.models import Subscription
from localcloud.certificates import CertificateAuthority

TOPIC = "arn:aws:sns:us-east-1:000000000000:alarms"
MESSAGE = Message(id="1", topic_arn=TOPIC, text="text", subject="title", published_at=1.0)


@dataclass
class Receiver:
    """Answers with the statuses of a list, the last one again and again."""

    statuses: list[int] = field(default_factory=lambda: [200])
    received: list[tuple[web.BaseRequest, str]] = field(default_factory=list)
    port: int = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.received.append((request, await request.text()))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return web.Response(status=status)

    def subscription(self, **more: Any) -> Subscription:  # noqa: ANN401 - any member
        return Subscription(
            arn=f"{TOPIC}:1",
            topic_arn=TOPIC,
            protocol="https",
            endpoint=f"https://localhost:{self.port}/notify?key=secret",
            created_at=0.0,
            pending=False,
            authenticated=False,
            **more,
        )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.load_or_create(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def receiver(authority: CertificateAuthority) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    runner = web.ServerRunner(web.Server(receiver.answer), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0, ssl_context=authority.server_context(["localhost"]))
    await site.start()
    receiver.port = runner.addresses[0][1]
    yield receiver
    await runner.cleanup()


@pytest.fixture
def urls(authority: CertificateAuthority) -> Urls:
    return Urls(
        tls=authority.client_context(),
        address="http://localhost:4566",
        retries=Retries(pause=0.0),
        timeout=5.0,
    )


async def test_a_url_gets_json_with_headers(receiver: Receiver, urls: Urls) -> None:
    assert await urls.deliver(MESSAGE, receiver.subscription()) is None
    [(request, body)] = receiver.received
    assert (request.method, request.path_qs) == ("POST", "/notify?key=secret")
    assert request.headers["x-amz-sns-message-type"] == "Notification"
    assert request.headers["x-amz-sns-message-id"] == "1"
    assert request.headers["x-amz-sns-topic-arn"] == TOPIC
    assert request.headers["x-amz-sns-subscription-arn"] == f"{TOPIC}:1"
    assert json.loads(body) == {
        "Type": "Notification",
        "MessageId": "1",
        "TopicArn": TOPIC,
        "Subject": "title",
        "Message": "text",
        "Timestamp": "1970-01-01T00:00:01.000Z",
    }


async def test_a_raw_message_is_the_whole_body(receiver: Receiver, urls: Urls) -> None:
    assert await urls.deliver(MESSAGE, receiver.subscription(raw=True)) is None
    [(request, body)] = receiver.received
    assert body == "text"
    assert request.headers["x-amz-sns-rawdelivery"] == "true"


async def test_the_confirmation_has_a_link_with_the_token(receiver: Receiver, urls: Urls) -> None:
    subscription = receiver.subscription(token="abc")
    assert await urls.request_confirmation(MESSAGE, subscription) is None
    [(request, body)] = receiver.received
    assert request.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    document = json.loads(body)
    assert document["Token"] == "abc"
    assert document["SubscribeURL"] == (
        "http://localhost:4566/?Action=ConfirmSubscription"
        "&TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A000000000000%3Aalarms&Token=abc"
    )


@pytest.mark.parametrize(
    ("statuses", "attempts", "failure"),
    [
        ([500, 429, 200], 3, None),
        ([503], 4, "HTTP 503"),
        ([403], 1, "HTTP 403"),
        ([302], 1, "HTTP 302"),
    ],
)
async def test_errors_of_the_server_are_retried(
    receiver: Receiver, urls: Urls, statuses: list[int], attempts: int, failure: str | None
) -> None:
    receiver.statuses = statuses
    result = await urls.deliver(MESSAGE, receiver.subscription())
    assert len(receiver.received) == attempts
    assert (result is None) if failure is None else failure in str(result)


async def test_another_authority_is_not_trusted(
    receiver: Receiver, urls: Urls, tmp_path: Path
) -> None:
    other = CertificateAuthority.load_or_create(tmp_path).client_context()
    strangers = Urls(tls=other, address=urls.address, retries=Retries(number=0))
    async with asyncio.timeout(30):
        result = await strangers.deliver(MESSAGE, receiver.subscription())
    assert "CERTIFICATE_VERIFY_FAILED" in str(result)
    assert "secret" not in str(result)
    assert receiver.received == []
