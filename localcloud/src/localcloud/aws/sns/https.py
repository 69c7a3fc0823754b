"""Posts messages to URLs.

Source: "HTTP/HTTPS headers", "HTTP/HTTPS notification JSON format" and "Amazon SNS message delivery
retries" in the developer guide of SNS. Messages aren't signed here.
"""

import asyncio
import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode, urlsplit

from localcloud.aws.sns import messages
from localcloud.aws.sns.messages import Message
from localcloud.aws.sns.models import Subscription

_TIMEOUT: Final = 15.0


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How often a URL is tried again.

    Attributes:
        number: the attempts after the first.
        pause: seconds between two attempts.
    """

    number: int = 3
    pause: float = 20.0


@dataclass(frozen=True, kw_only=True)
class Urls:
    """The URLs that are subscribed.

    Attributes:
        tls: the authorities that are trusted.
        address: the URL of SNS's API, for the link that confirms.
        retries: how often a URL is tried again.
        timeout: seconds until an attempt ends.
    """

    tls: ssl.SSLContext
    address: str
    retries: Retries = Retries()
    timeout: float = _TIMEOUT

    async def deliver(self, message: Message, subscription: Subscription) -> str | None:
        """Post a message, and return why the URL didn't accept it."""
        headers = {"x-amz-sns-subscription-arn": subscription.arn}
        if subscription.raw:
            headers["x-amz-sns-rawdelivery"] = "true"
        body = messages.notification(message, subscription)
        return await self._post("Notification", message, subscription, body, headers)

    async def request_confirmation(
        self, message: Message, subscription: Subscription
    ) -> str | None:
        """Post the message with the URL that confirms, and return why it wasn't accepted."""
        kind = "SubscriptionConfirmation"
        parameters = {
            "Action": "ConfirmSubscription",
            "TopicArn": message.topic_arn,
            "Token": subscription.token,
        }
        document = {
            "Type": kind,
            "MessageId": message.id,
            "Token": subscription.token,
            "TopicArn": message.topic_arn,
            "Message": message.text,
            "SubscribeURL": f"{self.address}/?{urlencode(parameters)}",
            "Timestamp": message.timestamp,
        }
        return await self._post(kind, message, subscription, json.dumps(document), {})

    async def _post(
        self,
        kind: str,
        message: Message,
        subscription: Subscription,
        body: str,
        headers: Mapping[str, str],
    ) -> str | None:
        sent = {
            "content-type": "text/plain; charset=UTF-8",
            "user-agent": "Amazon Simple Notification Service Agent",
            "x-amz-sns-message-type": kind,
            "x-amz-sns-message-id": message.id,
            "x-amz-sns-topic-arn": message.topic_arn,
            **headers,
        }
        for remaining in range(self.retries.number, -1, -1):
            failure, again = await asyncio.to_thread(
                self._attempt, subscription.endpoint, body.encode(), sent
            )
            if failure is None or not again or not remaining:
                return failure
            await asyncio.sleep(self.retries.pause)
        return None

    def _attempt(
        self, url: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[str | None, bool]:
        """Post once, and return why it failed, and whether another attempt may succeed."""
        parts = urlsplit(url)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=self.timeout, context=self.tls
        )
        try:
            target = parts.path or "/"
            connection.request(
                "POST", f"{target}?{parts.query}" if parts.query else target, body, dict(headers)
            )
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"the URL can't be reached: {error}", True
        finally:
            connection.close()
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return None, False
        # Errors of the client are final, except that there were too many requests.
        again = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
        return f"the URL answered with HTTP {status}", again
