"""Records the requests that pass it in the event history."""

import logging
import re
import uuid
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud.aws.cloudtrail import requests
from localcloud.aws.cloudtrail.models import Event, History, Identity
from localcloud.aws.context import ServiceContext

_LOG = logging.getLogger(__name__)
_CREDENTIAL: Final = re.compile(r"Credential=([^/,\s]+)/\d{8}/[^/,]+/([^/,]+)/aws4_request")
_LARGEST_ERROR: Final = 64 * 1024

Identify = Callable[[str], Identity | None]
"""Returns who has an access key, by its id; None for requests that aren't recorded."""


class Recorder:
    """ASGI application that passes requests on, and records their operations."""

    def __init__(
        self, application: ASGIApp, history: History, identify: Identify, context: ServiceContext
    ) -> None:
        """Record the requests to an application, which the gate has verified."""
        self._application = application
        self._history = history
        self._identify = identify
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and record it after its response."""
        signed = None
        if scope["type"] == "http":
            signed = _CREDENTIAL.search(Request(scope).headers.get("authorization", ""))
        identity = self._identify(signed[1]) if signed else None
        if signed is None or identity is None:
            await self._application(scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        await self._application(scope, exchange.receive, exchange.send)
        try:
            self._record(scope, exchange, identity, key_id=signed[1], service=signed[2])
        except Exception:  # a record must not fail the request  # noqa: BLE001
            _LOG.exception("a request was not recorded in the event history")

    def _record(
        self, scope: Scope, exchange: "_Exchange", identity: Identity, *, key_id: str, service: str
    ) -> None:
        headers, body = Request(scope).headers, bytes(exchange.body)
        target = headers.get("x-amz-target", "")
        operation = requests.operation_of(service, scope["path"], target, body)
        if operation is None:
            return
        parameters = requests.parameters_of(service, operation, target, body)
        resources = requests.resources_of(service, parameters)
        at, event_id = int(self._context.clock()), str(uuid.uuid4())
        source, read_only = f"{service}.amazonaws.com", requests.is_read_only(operation)
        document = {
            "eventVersion": "1.11",
            "userIdentity": identity.described(key_id),
            "eventTime": self._context.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": source,
            "eventName": operation,
            "awsRegion": self._context.region,
            "sourceIPAddress": (scope.get("client") or ("",))[0],
            "userAgent": headers.get("user-agent", ""),
            "requestParameters": parameters,
            "responseElements": None,
            "requestID": str(uuid.uuid4()),
            "eventID": event_id,
            "readOnly": read_only,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": identity.account,
            "eventCategory": "Management",
        }
        error = requests.error_of(exchange.status, bytes(exchange.response))
        if error is not None:
            document["errorCode"] = error
        self._history.add(
            Event(
                number=self._history.next_number(),
                id=event_id,
                name=operation,
                source=source,
                at=at,
                read_only=read_only,
                key_id=key_id,
                username=identity.name,
                resources=resources,
                document=document,
            )
        )


class _Exchange:
    """A request and its response, as they pass."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.body = bytearray()
        self.status = 0
        self.response = bytearray()

    async def receive(self) -> Message:
        message = await self._receive()
        self.body += message.get("body", b"")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif self.status >= 400 and len(self.response) < _LARGEST_ERROR:  # noqa: PLR2004 - HTTP's first error
            self.response += message.get("body", b"")
        await self._send(message)
