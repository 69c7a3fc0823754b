"""A request as an event, and a function's result as a response. Pure.

Sources: "Invoking Lambda function URLs" and "Lambda quotas" in the AWS Lambda Developer Guide.
"""

import base64
import binascii
import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

LARGEST_EVENT: Final = 6_291_456
LARGEST_RESULT: Final = 6_291_556
_TEXT: Final = frozenset({"application/json", "application/javascript", "application/xml"})
_REMAPPED: Final = {"www-authenticate": "x-amzn-remapped-www-authenticate"}
"""Headers that a function URL renames. AWS documents this for API Gateway only; reports of function
URLs in public repositories agree for this header."""
_FORBIDDEN: Final = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


@dataclass(frozen=True, kw_only=True)
class UrlRequest:
    """A request to a function URL.

    Attributes:
        path: as the caller sent it.
        query: as the caller sent it, without the question mark.
        headers: all of them, also equal ones.
        source: the caller's address.
        host: the function URL's host and port.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    source: str
    host: str


@dataclass(frozen=True, kw_only=True)
class UrlResponse:
    """A response of a function URL."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def event_of(request: UrlRequest) -> dict[str, Any]:
    """Return a request as an event in payload format 2.0."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in request.headers:
        key = name.lower()
        if key == "cookie":
            cookies += [each.strip() for each in value.split(";")]
        else:
            headers[key] = f"{headers[key]},{value}" if key in headers else value
    headers |= {
        "host": request.host,
        "x-amzn-trace-id": f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}",
        "x-forwarded-for": request.source,
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    prefix = request.host.partition(".")[0]
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": prefix,
            "domainName": request.host,
            "domainPrefix": prefix,
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.source,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime()),
            "timeEpoch": int(time.time() * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if request.body:
        event |= _body(request.body, headers.get("content-type", ""))
    return event


def encode(event: Mapping[str, Any]) -> bytes | None:
    """Return an event as the payload of an invocation; None if Lambda refuses one of that size."""
    payload = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return payload if len(payload) <= LARGEST_EVENT else None


def response_of(payload: bytes) -> UrlResponse:
    """Return the response that a function's result describes.

    A result without a statusCode is the body.
    """
    if len(payload) > LARGEST_RESULT:
        return internal_error()
    result = json.loads(payload)
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result if isinstance(result, str) else json.dumps(result)
        return UrlResponse(
            status=HTTPStatus.OK,
            headers=(("content-type", "application/json"),),
            body=body.encode(),
        )
    try:
        return _described(result)
    except (AttributeError, TypeError, ValueError, binascii.Error):
        return internal_error()


def throttled(payload: Mapping[str, Any]) -> UrlResponse:
    """Return the response where no more of the function may run."""
    return _refusal(
        HTTPStatus.TOO_MANY_REQUESTS,
        "TooManyRequestsException",
        {"Reason": payload.get("Reason"), "Type": "User", "message": "Rate Exceeded."},
    )


def forbidden() -> UrlResponse:
    """Return the response where the function's policy doesn't allow the request."""
    return _refusal(HTTPStatus.FORBIDDEN, "AccessDeniedException", {"Message": _FORBIDDEN})


def too_large() -> UrlResponse:
    """Return the response to a request that is larger than Lambda accepts."""
    return _refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "RequestTooLargeException",
        {
            "Type": "User",
            "message": f"Request must be smaller than {LARGEST_EVENT} bytes for the InvokeFunction"
            " operation",
        },
    )


def internal_error() -> UrlResponse:
    """Return the response where the function failed, or its result can't be used."""
    return UrlResponse(
        status=HTTPStatus.BAD_GATEWAY,
        headers=(("content-type", "application/json"),),
        body=b"Internal Server Error",
    )


def unsupported(what: str) -> UrlResponse:
    """Return the response to a request that the stand-in can't handle, unlike AWS."""
    return UrlResponse(
        status=HTTPStatus.NOT_IMPLEMENTED,
        headers=(("content-type", "text/plain"),),
        body=f"Unsupported: the stand-in's function URLs have no {what}\n".encode(),
    )


def _described(result: Mapping[str, Any]) -> UrlResponse:
    body = result.get("body") or ""
    content = (
        base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else body.encode()
    )
    headers = {
        str(name).lower(): str(value) for name, value in (result.get("headers") or {}).items()
    }
    headers.setdefault("content-type", "application/json")
    renamed = [(_REMAPPED.get(name, name), value) for name, value in headers.items()]
    return UrlResponse(
        status=int(result["statusCode"]),
        headers=(*renamed, *_cookies(result.get("cookies") or ())),
        body=content,
    )


def _cookies(cookies: Iterable[str]) -> Iterable[tuple[str, str]]:
    return (("set-cookie", str(each)) for each in cookies)


def _body(body: bytes, content_type: str) -> dict[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in _TEXT:
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _refusal(status: HTTPStatus, kind: str, document: Mapping[str, Any]) -> UrlResponse:
    return UrlResponse(
        status=status,
        headers=(("content-type", "application/json"), ("x-amzn-errortype", kind)),
        body=json.dumps(document).encode(),
    )
