"""ECR as Docker on this machine can use it: reachable addresses, and a log-in as ECR asks for.

ministack keeps the registry and answers its addresses under amazonaws.com. Here the answers name
this endpoint instead, the registry's own protocol asks for the token that GetAuthorizationToken
gives, and a tag of an immutable repository is refused as ECR refuses it.
"""

import asyncio
import base64
import datetime as dt
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import jwt
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TARGET_PREFIX = "AmazonEC2ContainerRegistry_V20150921"
_USER = "AWS"
_ALGORITHM = "HS256"
# Source: ECR API reference, GetAuthorizationToken.
_LIFETIME = dt.timedelta(hours=12)
# A digest has a colon, a tag has none.
_TAGGED_MANIFEST = re.compile(r"/v2/(?P<repository>.+)/manifests/(?P<tag>[^:/]+)")


@dataclass(frozen=True, kw_only=True)
class Registry:
    """The addresses of the account's registry, and its logins.

    A password is signed and holds its own expiry, so that none has to be kept.

    Attributes:
        aws_host: the registry's host name on AWS.
        local_host: host and port where Docker on this machine reaches it.
        lifetime: how long a login is valid.
    """

    aws_host: str
    local_host: str
    lifetime: dt.timedelta = _LIFETIME
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def docker_login(self) -> dict[str, str]:
        """A new login, as the Docker Engine API takes it."""
        return {"username": _USER, "password": self._password()}

    def _password(self) -> str:
        expires = dt.datetime.now(dt.UTC) + self.lifetime
        return jwt.encode({"exp": expires}, self._secret, algorithm=_ALGORITHM)

    def to_aws(self, image: str) -> str:
        """Name an image of this machine's registry as AWS names it.

        Args:
            image: an image's name, of either registry.

        Returns:
            The name under amazonaws.com; other names as they are.
        """
        return self._moved(image, self.local_host, self.aws_host)

    def to_local(self, image: str) -> str:
        """Name an image of the account's registry as Docker on this machine reaches it.

        Args:
            image: an image's name, of either registry.

        Returns:
            The name under localhost; other names as they are.
        """
        return self._moved(image, self.aws_host, self.local_host)

    @staticmethod
    def _moved(image: str, source: str, destination: str) -> str:
        host, slash, rest = image.partition("/")
        return f"{destination}{slash}{rest}" if host == source else image

    def localized(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Replace what an ECR answer says of addresses and tokens.

        Args:
            answer: an answer of the ECR API.

        Returns:
            The answer with this machine's addresses and this registry's token.
        """
        for repository in _repositories(answer):
            repository["repositoryUri"] = self.to_local(repository["repositoryUri"])
        for authorization in answer.get("authorizationData", []):
            login = f"{_USER}:{self._password()}"
            authorization["authorizationToken"] = base64.b64encode(login.encode()).decode()
            expires = dt.datetime.now(dt.UTC) + self.lifetime
            authorization["expiresAt"] = round(expires.timestamp(), 3)
            authorization["proxyEndpoint"] = f"http://{self.local_host}"
        if "downloadUrl" in answer:
            path = answer["downloadUrl"].removeprefix(f"https://{self.aws_host}")
            answer["downloadUrl"] = f"http://{self.local_host}{path}"
        return answer

    def admits(self, authorization: str) -> bool:
        """Decide whether a registry request carries a login that is valid now.

        Args:
            authorization: the request's Authorization header.

        Returns:
            True where the user is right, and the password was issued here and hasn't expired.
        """
        scheme, _, encoded = authorization.partition(" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
            jwt.decode(
                password, self._secret, algorithms=[_ALGORITHM], options={"require": ["exp"]}
            )
        except (ValueError, jwt.InvalidTokenError):
            return False
        return scheme.lower() == "basic" and user == _USER


def _repositories(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    single = [answer["repository"]] if "repository" in answer else []
    return [*single, *answer.get("repositories", [])]


class RegistryFront:
    """ASGI application that answers for ECR on top of the one that keeps the images."""

    def __init__(self, registry: Registry, keeper: ASGIApp) -> None:
        """Stand in front of the application that keeps the images.

        Args:
            registry: addresses and password.
            keeper: the application behind.
        """
        self._registry = registry
        self._keeper = keeper
        # Between the look at a tag and the push of it, no other push may come.
        self._tagging = asyncio.Lock()

    async def registry_protocol(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the Docker Registry HTTP API: with a log-in only, as ECR.

        Args:
            scope: the request.
            receive: its body.
            send: takes the answer.
        """
        authorization = header(scope, b"authorization")
        tagged = _TAGGED_MANIFEST.fullmatch(scope["path"])
        if not self._registry.admits(authorization):
            body = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "Not Authorized"}]})
            realm = f"http://{self._registry.local_host}/"
            challenge = f'Basic realm="{realm}",service="ecr.amazonaws.com"'
            await respond(
                send,
                HTTPStatus.UNAUTHORIZED,
                body.encode(),
                {"content-type": "application/json", "www-authenticate": challenge},
            )
        elif scope["method"] == "PUT" and tagged is not None:
            async with self._tagging:
                await self._put_tag(tagged["repository"], tagged["tag"], scope, receive, send)
        else:
            await self._keeper(scope, receive, send)

    async def _put_tag(
        self, repository: str, tag: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Pass a tagged manifest on, unless the repository is immutable and has the tag.

        ministack lets the digest that has the tag be pushed again; ECR refuses that too.
        Source: containers-roadmap 2179, "Better handle duplicate tags on Immutable Registries".
        """
        names = {"repositoryName": repository, "imageIds": [{"imageTag": tag}]}
        found = await self._ask("DescribeRepositories", {"repositoryNames": [repository]})
        settings = (found.get("repositories") or [{}])[0]
        immutable = settings.get("imageTagMutability") == "IMMUTABLE"
        if immutable and (await self._ask("DescribeImages", names)).get("imageDetails"):
            problem = {
                "code": "TAG_INVALID",
                "message": f"The image tag '{tag}' already exists in the '{repository}' repository "
                "and cannot be overwritten because the repository is immutable.",
            }
            await respond(
                send,
                HTTPStatus.BAD_REQUEST,
                json.dumps({"errors": [problem]}).encode(),
                {"content-type": "application/json"},
            )
            return
        await self._keeper(scope, receive, send)

    async def _ask(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the application behind; an error of it is an answer without the wanted members."""
        headers = [
            (b"content-type", b"application/x-amz-json-1.1"),
            (b"x-amz-target", f"{TARGET_PREFIX}.{operation}".encode()),
        ]
        scope = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": "POST",
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "headers": headers,
        }
        _, body = await self._answered(scope, json.dumps(parameters).encode())
        answer: dict[str, Any] = json.loads(body)
        return answer

    async def _answered(self, scope: Scope, request: bytes) -> tuple[Message, bytes]:
        """Let the application behind answer a request that has been read."""
        start: Message = {}
        chunks: list[bytes] = []

        async def replay() -> Message:
            return {"type": "http.request", "body": request, "more_body": False}

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                chunks.append(message.get("body", b""))

        await self._keeper(scope, replay, collect)
        return start, b"".join(chunks)

    async def control_plane(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the ECR API, with this machine's addresses in it.

        Args:
            scope: the request.
            receive: its body.
            send: takes the answer.
        """
        request = await body_of(receive)
        unsupported = _unsupported(request)
        if unsupported is not None:
            await respond(
                send,
                HTTPStatus.BAD_REQUEST,
                json.dumps(
                    {"__type": "InvalidParameterException", "message": unsupported}
                ).encode(),
                {"content-type": "application/x-amz-json-1.1"},
            )
            return
        start, body = await self._answered(scope, request)
        status = int(start["status"])
        if status == HTTPStatus.OK:
            answer: Mapping[str, Any] = self._registry.localized(json.loads(body))
            missing = _missing_image(json.loads(request or b"{}"), answer)
            if missing is not None:
                status, answer = int(HTTPStatus.BAD_REQUEST), missing
            body = json.dumps(answer).encode()
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in start["headers"]
            if name.lower() != b"content-length"
        }
        await respond(send, status, body, headers)


def _unsupported(request: bytes) -> str | None:
    """Say what a request asks for that ministack would take and not carry out."""
    try:
        parameters = json.loads(request or b"{}")
    except ValueError:
        # For the application behind to refuse.
        return None
    if isinstance(parameters, dict) and str(parameters.get("imageTagMutability")).endswith(
        "_WITH_EXCLUSION"
    ):
        return "Tag mutability with exclusions is not offered by the stand-in's ECR."
    return None


def _missing_image(
    request: Mapping[str, Any], answer: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Find out that DescribeImages was asked for images that are not there.

    ministack answers an empty list, ECR an error (API reference, DescribeImages).
    """
    if not request.get("imageIds") or answer.get("imageDetails") != []:
        return None
    return {
        "__type": "ImageNotFoundException",
        "message": f"The image with imageId {json.dumps(request['imageIds'][0])} does not exist "
        f"within the repository with name '{request.get('repositoryName')}'.",
    }


async def body_of(receive: Receive) -> bytes:
    """Read a request's whole body.

    Args:
        receive: gives it in pieces.

    Returns:
        The body, as far as it came.
    """
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def replaying(body: bytes, receive: Receive) -> Receive:
    """Give a body that has been read once more, and then what comes after it.

    Args:
        body: the body.
        receive: gives what comes after it.

    Returns:
        What gives both.
    """
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def header(scope: Scope, name: bytes) -> str:
    """Read one header of a request.

    Args:
        scope: the request.
        name: the header's name in lower case.

    Returns:
        Its value; empty where it is missing.
    """
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return bytes(values[0]).decode("latin-1") if values else ""


async def respond(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a whole answer.

    Args:
        send: takes the answer.
        status: its HTTP status.
        body: its body.
        headers: its headers, but for the length.
    """
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": int(status), "headers": raw})
    await send({"type": "http.response.body", "body": body})
