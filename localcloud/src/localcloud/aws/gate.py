"""What every request passes before ministack sees it: only signed requests, none from web pages.

ministack checks no signature, runs the code of functions, lets pages of every origin read its
responses, and has management paths. So a request comes through here only if it is signed with a
key of the account, or is one of the few that can't be signed: Cognito's token endpoint and public
documents, links that confirm a subscription of SNS, and the registry, which has its own login.
"""

import asyncio
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localcloud import loopback
from localcloud.aws import asgi, refusals
from localcloud.aws.ecr.app import EcrApp
from localcloud.aws.refusals import Protocol, RefusedError
from localcloud.aws.signatures import RequestHead, Verifier
from localcloud.aws.sns.app import is_confirmation

_PUBLIC: Final = re.compile(
    r"POST /oauth2/token|GET /[\w-]+_\w+/\.well-known/(?:jwks\.json|openid-configuration)",
    re.ASCII,
)
_REGISTRY: Final = re.compile(r"/v2/(?:[a-z0-9._/-]+/(?:blobs|manifests|tags)/.*)?", re.ASCII)
# Source: the message of Lambda's CreateFunction, the largest request of all, when it is larger.
_MAX_SIGNED_BODY: Final = 70_167_211
_MAX_PUBLIC_BODY: Final = 64 * 1024
_BODY_SECONDS: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class Gate:
    """ASGI application that passes verified requests on.

    Attributes:
        port: the port that the endpoint listens on.
        verifier: verifies signatures.
        ecr: serves the registry's protocol.
        application: handles all other requests.
        body_seconds: how long a body may take to arrive.
    """

    port: int
    verifier: Verifier
    ecr: EcrApp
    application: ASGIApp
    body_seconds: float = _BODY_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
        elif scope["type"] == "http":
            send = _without_cors(send)
            try:
                await self._serve(scope, receive, send)
            except HTTPException as error:
                refusal = JSONResponse(
                    {"message": error.detail}, error.status_code, {"connection": "close"}
                )
                await refusal(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        head, path = _request_head(scope), str(scope["path"])
        refused = loopback.refusal(
            hosts=head.values("host"), origins=head.values("origin"), port=self.port
        )
        if refused is not None:
            raise HTTPException(HTTPStatus.FORBIDDEN, refused)
        if head.method == "OPTIONS":
            raise HTTPException(HTTPStatus.FORBIDDEN, "Preflight requests are refused.")
        if path.startswith("/_") or path == "/health":
            raise HTTPException(HTTPStatus.NOT_FOUND, "The emulator's own paths are closed.")
        has_target = bool(head.values("x-amz-target"))
        is_public = _PUBLIC.fullmatch(f"{head.method} {path}") or is_confirmation(scope)
        if not has_target and is_public:
            body = await self._read_body(head, receive, _MAX_PUBLIC_BODY)
            await self.application(scope, asgi.replay(body, receive), send)
        elif not has_target and _REGISTRY.fullmatch(path):
            await self.ecr.serve_registry(scope, receive, send)
        else:
            await self._serve_signed(head, scope, receive, send)

    async def _serve_signed(
        self, head: RequestHead, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            signature, secret = self.verifier.check(head)
            body = await self._read_body(head, receive, _MAX_SIGNED_BODY)
            # Hashing tens of megabytes takes long enough to delay other requests.
            await asyncio.to_thread(self.verifier.verify, head, body, signature, secret)
        except RefusedError as error:
            protocol = Protocol.of(
                target=head.value("x-amz-target"),
                action="Action" in head.parameters(),
                content_type=head.value("content-type"),
                smithy=head.value("smithy-protocol"),
                path=head.path,
            )
            status, headers, content = refusals.encode(error, protocol)
            await Response(content, status, headers)(scope, receive, send)
            return
        await self.application(scope, asgi.replay(body, receive), send)

    async def _read_body(self, head: RequestHead, receive: Receive, limit: int) -> bytes:
        declared = head.value("content-length")
        if declared.isdecimal() and int(declared) > limit:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = bytearray()
        try:
            async with asyncio.timeout(self.body_seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise HTTPException(HTTPStatus.BAD_REQUEST)
                    body += message.get("body", b"")
                    if len(body) > limit:
                        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT) from None


def _request_head(scope: Scope) -> RequestHead:
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return RequestHead(
        method=scope["method"],
        path=raw_path.decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=[
            (name.lower().decode("latin-1"), value.decode("latin-1"))
            for name, value in scope["headers"]
        ],
    )


def _without_cors(send: Send) -> Send:
    """Drop the response headers that would let a web page read the response."""

    async def send_without_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name, value)
                for name, value in message.get("headers", ())
                if not name.lower().startswith(b"access-control-")
            ]
            message = {**message, "headers": headers}
        await send(message)

    return send_without_cors
