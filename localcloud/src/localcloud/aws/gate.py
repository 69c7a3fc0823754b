"""What every request passes before ministack sees it: nothing unsigned, and nothing of a web page.

ministack checks no signature, runs the code of functions, lets pages of every origin read its
answers, and has management paths of its own. So requests come through here only if they are signed
with a key of the account, or belong to the few that can't be signed: Cognito's token endpoint and
its public documents, and the registry, which has its own login.
"""

import asyncio
import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud import loopback
from localcloud.aws import refusals
from localcloud.aws.refusals import Protocol, RefusedError
from localcloud.aws.registry import RegistryFront, replaying, respond
from localcloud.aws.signatures import Request, Verifier

_PUBLIC: Final = re.compile(
    r"POST /oauth2/token|GET /[\w-]+_\w+/\.well-known/(?:jwks\.json|openid-configuration)",
    re.ASCII,
)
_REGISTRY: Final = re.compile(r"/v2/(?:[a-z0-9._/-]+/(?:blobs|manifests|tags)/.*)?", re.ASCII)
# Source: Lambda's own message to a larger CreateFunction, the largest request there is.
_LARGEST_SIGNED: Final = 70_167_211
_LARGEST_PUBLIC: Final = 64 * 1024
_BODY_SECONDS: Final = 60.0


class _BodyError(Exception):
    """A body that is too large, too slow, or cut short."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Gate:
    """ASGI application that lets requests through to the one behind.

    Attributes:
        port: the port that the endpoint listens on.
        verifier: verifies signatures.
        registry: answers the registry's protocol.
        behind: answers all other requests.
        body_seconds: how long a body may take to arrive.
    """

    port: int
    verifier: Verifier
    registry: RegistryFront
    behind: ASGIApp
    body_seconds: float = _BODY_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it.

        Args:
            scope: the request.
            receive: its body.
            send: takes the answer.
        """
        if scope["type"] == "lifespan":
            await self.behind(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _without_cors(send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _request(scope)
        refused = loopback.refusal(
            hosts=request.values("host"), origins=request.values("origin"), port=self.port
        )
        if refused is not None or request.method == "OPTIONS":
            await _plain(send, HTTPStatus.FORBIDDEN, refused or "There is no preflight here.")
            return
        path = str(scope["path"])
        if path.startswith("/_") or path == "/health":
            await _plain(send, HTTPStatus.NOT_FOUND, "The emulator's own paths are closed.")
            return
        try:
            if request.values("x-amz-target"):
                await self._signed(request, scope, receive, send)
            elif _PUBLIC.fullmatch(f"{request.method} {path}"):
                body = await self._body(request, receive, _LARGEST_PUBLIC)
                await self.behind(scope, replaying(body, receive), send)
            elif _REGISTRY.fullmatch(path):
                await self.registry.registry_protocol(scope, receive, send)
            else:
                await self._signed(request, scope, receive, send)
        except _BodyError as error:
            await _plain(send, error.status, error.status.phrase)

    async def _signed(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            signature, secret = self.verifier.check(request)
            body = await self._body(request, receive, _LARGEST_SIGNED)
            # Hashing tens of megabytes takes long enough to keep others waiting.
            await asyncio.to_thread(self.verifier.verify, request, body, signature, secret)
        except RefusedError as error:
            protocol = Protocol.of(
                target=request.value("x-amz-target"),
                action="Action" in request.parameters(),
                content_type=request.value("content-type"),
                smithy=request.value("smithy-protocol"),
            )
            status, headers, content = refusals.encode(error, protocol)
            await respond(send, status, content, headers)
            return
        await self.behind(scope, replaying(body, receive), send)

    async def _body(self, request: Request, receive: Receive, limit: int) -> bytes:
        declared = request.value("content-length")
        if declared.isdecimal() and int(declared) > limit:
            raise _BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = bytearray()
        try:
            async with asyncio.timeout(self.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _BodyError(HTTPStatus.BAD_REQUEST)
                    body += message.get("body", b"")
                    if len(body) > limit:
                        raise _BodyError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            raise _BodyError(HTTPStatus.REQUEST_TIMEOUT) from None


def _request(scope: Scope) -> Request:
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope["method"],
        path=raw_path.decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=[
            (name.lower().decode("latin-1"), value.decode("latin-1"))
            for name, value in scope["headers"]
        ],
    )


def _without_cors(send: Send) -> Send:
    """Leave out of an answer what would let a web page read it."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, value)
                for name, value in message.get("headers", ())
                if not name.lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": headers}
        await send(message)

    return sending


async def _plain(send: Send, status: HTTPStatus, text: str) -> None:
    body = json.dumps({"message": text}).encode()
    await respond(send, status, body, {"content-type": "application/json", "connection": "close"})
