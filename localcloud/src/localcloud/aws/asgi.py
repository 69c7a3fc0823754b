"""ASGI helpers that starlette doesn't have: passing on a request whose body has been read."""

from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope

_CONTENT_LENGTH = b"content-length"


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a receive channel that repeats a body, and then continues with the original."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return pending.pop() if pending else await receive()

    return receive_again


def with_content_length(scope: Scope, length: int) -> Scope:
    """Return a request's scope with another Content-Length."""
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != _CONTENT_LENGTH]
    return {**scope, "headers": [*headers, (_CONTENT_LENGTH, str(length).encode())]}


def post_scope(headers: Mapping[str, str]) -> Scope:
    """Return the scope of a POST request to the path `/`."""
    return request_scope("POST", "/", headers)


def request_scope(method: str, path: str, headers: Mapping[str, str]) -> Scope:
    """Return the scope of a request without a query."""
    return {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


async def call(application: ASGIApp, scope: Scope, body: bytes) -> Response:
    """Send a request to an application, and return its response with the whole body."""
    start: Message = {}
    chunks: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            chunks.append(message.get("body", b""))

    await application(scope, receive, send)
    response = Response(b"".join(chunks), status_code=start["status"])
    response.raw_headers = list(start.get("headers", ()))
    return response


def with_body(response: Response, body: bytes) -> Response:
    """Return a response with another body, and the Content-Length of that."""
    # ministack's header names are capitalized.
    headers = {
        name: value for name, value in response.headers.items() if name.lower() != "content-length"
    }
    return Response(body, status_code=response.status_code, headers=headers)
