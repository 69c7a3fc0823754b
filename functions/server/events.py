"""A function URL's event as a request, and a response as the function's result. Pure.

Source: "Invoking Lambda function URLs" in the AWS Lambda Developer Guide, payload format 2.0.
"""

import base64
import binascii
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

LARGEST_RESULT: Final = 6_291_556
"""Bytes of a function's result, as JSON. Source: the message of Lambda's ResponseSizeTooLarge."""
_MEGABYTE: Final = 1024 * 1024
# These concern one connection, and not the message. Source: RFC 9110, section 7.6.1.
_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# On a loopback address, the server refuses the Host of the function URL.
_NOT_FORWARDED: Final = _HOP_BY_HOP | {"host", "content-length", "expect"}
# The function URL sets its own.
_NOT_RETURNED: Final = _HOP_BY_HOP | {"content-length", "date"}
_INTERNAL_ERROR: Final = -32603
"""JSON-RPC's code."""
# The bytes of UTF-8 that JSON leaves as they are, and those that become two; all others become six.
_UNESCAPED: Final = bytes(set(range(0x20, 0x100)) - set(b'"\\'))
_SHORT_ESCAPES: Final = b'"\\\b\f\n\r\t'


class TooLargeError(Exception):
    """A response is larger than Lambda returns.

    Attributes:
        size: the bytes of its result.
    """

    def __init__(self, size: int) -> None:
        """Keep the size."""
        super().__init__(f"a result of {size:,} bytes, and Lambda returns {LARGEST_RESULT:,}")
        self.size = size


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to the server.

    Attributes:
        target: path and query, as the caller sent them.
        headers: names in lower case; the caller's token is among the values.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Response:
    """A response of the server."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


def read_event(event: Mapping[str, Any]) -> Request:
    """Return the request that a function URL's event describes.

    Raises:
        ValueError: the event isn't a function URL's.
    """
    try:
        method = str(event["requestContext"]["http"]["method"])
        path, query = str(event["rawPath"]), str(event.get("rawQueryString") or "")
        headers = [(name.lower(), str(value)) for name, value in event["headers"].items()]
        body = str(event.get("body") or "")
        content = (
            base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
        )
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(
            f"only a function URL's requests are handled, and this event has none ({error!r})"
        ) from error
    if cookies := event.get("cookies"):
        headers.append(("cookie", "; ".join(cookies)))
    return Request(
        method=method,
        target=f"{path}?{query}" if query else path,
        headers=tuple((name, value) for name, value in headers if name not in _NOT_FORWARDED),
        body=content,
    )


def result_of(response: Response) -> dict[str, Any]:
    """Return the function's result for a response.

    A result has one value for each header, so equal headers are joined with commas, which RFC 9110,
    section 5.3, allows for all but Set-Cookie.

    Raises:
        TooLargeError: Lambda wouldn't return it.
    """
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in response.headers:
        key = name.lower()
        if key == "set-cookie":
            cookies.append(value)
        elif key not in _NOT_RETURNED:
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
    result: dict[str, Any] = {"statusCode": response.status, "headers": headers}
    if cookies:
        result["cookies"] = cookies
    body = response.body
    empty = _encoded_size({**result, "body": "", "isBase64Encoded": False})
    if empty + text_size(body) <= LARGEST_RESULT:
        try:
            return {**result, "body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    # In JSON some characters take two bytes or more, and in base64 all take four thirds.
    empty = _encoded_size({**result, "body": "", "isBase64Encoded": True})
    size = empty + 4 * math.ceil(len(body) / 3)
    if size > LARGEST_RESULT:
        raise TooLargeError(size)
    return {**result, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def text_size(text: bytes) -> int:
    """Return the bytes that a text in UTF-8 takes in a result, without its quotation marks.

    Counting takes a fraction of the time of encoding, which Lambda's runtime does anyway: with
    simplejson, any version from 3.20, and `ensure_ascii=False`. Source: awslambdaric 4.0,
    requirements/base.txt and lambda_runtime_marshaller.py.
    """
    escaped = text.translate(None, delete=_UNESCAPED)
    long = escaped.translate(None, delete=_SHORT_ESCAPES)
    return len(text) + len(escaped) + 4 * len(long)


def oversized(request: Request, size: int) -> Response:
    """Return the response in place of one that is larger than Lambda returns.

    A call of a tool fails as the tool itself would, so that an agent reacts to the text.

    Args:
        request: what was asked.
        size: the bytes of the result that is too large.
    """
    text = (
        f"The answer has {size / _MEGABYTE:.1f} MB, and AWS Lambda returns at most"
        f" {LARGEST_RESULT / _MEGABYTE:.0f} MB. Ask for less, for example with LIMIT or fewer"
        " properties. If it was a write, the write is done."
    )
    call = _rpc_request(request.body)
    if call is None:
        return _plain(HTTPStatus.BAD_GATEWAY, text)
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": call["id"]}
    if call.get("method") == "tools/call":
        answer["result"] = {"content": [{"type": "text", "text": text}], "isError": True}
    else:
        answer["error"] = {"code": _INTERNAL_ERROR, "message": text}
    return Response(
        status=HTTPStatus.OK,
        headers=(("content-type", "application/json"),),
        body=json.dumps(answer).encode(),
    )


def unanswered() -> Response:
    """Return the response where the server gave none: with a status, as from every other host."""
    return _plain(
        HTTPStatus.GATEWAY_TIMEOUT,
        "The server gave no answer: it ends a call after 60 s, while the query continues in"
        " the database. Before repeating a write, check whether it was done.",
    )


def _plain(status: HTTPStatus, text: str) -> Response:
    headers = (("content-type", "text/plain; charset=utf-8"),)
    return Response(status=status, headers=headers, body=f"{text}\n".encode())


def _encoded_size(result: Mapping[str, Any]) -> int:
    return len(json.dumps(result, ensure_ascii=False).encode())


def _rpc_request(body: bytes) -> dict[str, Any] | None:
    """Return a JSON-RPC request that expects an answer; None for anything else."""
    try:
        call = json.loads(body)
    except ValueError:
        return None
    return call if isinstance(call, dict) and call.get("id") is not None else None
