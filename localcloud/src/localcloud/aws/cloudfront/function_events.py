"""Requests as events of functions, and results of functions as responses. Pure.

Sources: "CloudFront Functions event structure" and "Restrictions on all edge functions" in the
Amazon CloudFront Developer Guide.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from localcloud.aws.cloudfront.messages import Answer, Headers

# A function doesn't see these, and may not add them.
_DISALLOWED: Final = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "trailer",
        "upgrade",
        "x-amzn-auth",
        "x-amzn-cf-billing",
        "x-amzn-cf-id",
        "x-amzn-cf-xff",
        "x-amzn-errortype",
        "x-amzn-fle-profile",
        "x-amzn-header-count",
        "x-amzn-header-order",
        "x-amzn-lambda-integration-tag",
        "x-amzn-requestid",
        "x-cache",
        "x-forwarded-proto",
        "x-real-ip",
    }
)
_DISALLOWED_PREFIXES: Final = ("x-accel-", "x-amz-cf-", "x-edge-")
# A function sees these in viewer requests, and may not change them.
_READ_ONLY: Final = ("content-length", "host", "transfer-encoding", "via")
_STATUSES: Final = range(100, 600)


class InvalidResultError(Exception):
    """A function returned what CloudFront can't use."""


@dataclass(frozen=True, kw_only=True)
class ViewerRequest:
    """A request, as functions see and change it.

    Attributes:
        path: as the viewer sent it.
        query: as the viewer sent it, without the question mark.
        headers: all of them, also equal ones.
    """

    method: str
    path: str
    query: str = field(repr=False)
    headers: Headers = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """The circumstances of an invocation.

    Attributes:
        viewer: the viewer's address.
    """

    distribution: str
    domain_name: str
    request_id: str
    viewer: str


def event_of(request: ViewerRequest, invocation: Invocation) -> dict[str, Any]:
    """Return the event of a viewer request."""
    return {
        "version": "1.0",
        "context": {
            "distributionDomainName": invocation.domain_name,
            "distributionId": invocation.distribution,
            "eventType": "viewer-request",
            "requestId": invocation.request_id,
        },
        "viewer": {"ip": invocation.viewer},
        "request": {
            "method": request.method,
            "uri": request.path,
            "querystring": _values(parse_qsl(request.query, keep_blank_values=True)),
            "headers": _values(
                (name.lower(), value)
                for name, value in request.headers
                if _is_allowed(name.lower()) and name.lower() != "cookie"
            ),
            "cookies": _values(_cookies(request.headers)),
        },
    }


def outcome_of(result: Any, request: ViewerRequest) -> Answer | ViewerRequest:  # noqa: ANN401 - any JSON
    """Return the response that a function made, or the request as it changed it.

    Raises:
        InvalidResultError: CloudFront can't use the result.
    """
    try:
        if not isinstance(result, dict):
            raise InvalidResultError("it is no object")
        return _answer(result) if "statusCode" in result else _changed(result, request)
    except (AttributeError, KeyError, TypeError, ValueError, binascii.Error) as error:
        raise InvalidResultError(str(error)) from error


def _answer(result: Mapping[str, Any]) -> Answer:
    status = result["statusCode"]
    if not isinstance(status, int) or status not in _STATUSES:
        raise InvalidResultError(f"the statusCode is {status!r}")
    headers = tuple(_header_pairs(result.get("headers") or {}))
    cookies = tuple(
        ("Set-Cookie", "; ".join(filter(None, (f"{name}={value}", attributes))))
        for name, value, attributes in _set_cookies(result.get("cookies") or {})
    )
    return Answer(
        status=status,
        headers=(*headers, *cookies),
        body=_body(result.get("body")),
        reason=result.get("statusDescription"),
    )


def _changed(result: Mapping[str, Any], request: ViewerRequest) -> ViewerRequest:
    event = event_of(request, Invocation(distribution="", domain_name="", request_id="", viewer=""))
    before = event["request"]
    if result["method"] != request.method:
        raise InvalidResultError("it changes the method")
    if not str(result["uri"]).startswith("/"):
        raise InvalidResultError("the uri doesn't begin with a slash")
    given = result.get("headers") or {}
    for name in _READ_ONLY:
        if given.get(name) != before["headers"].get(name):
            raise InvalidResultError(f"it changes the header {name}")
    # Headers that functions don't see are kept.
    hidden = tuple(pair for pair in request.headers if not _is_allowed(pair[0].lower()))
    cookies = result.get("cookies") or {}
    cookie = "; ".join(f"{name}={value}" for name, value, _ in _set_cookies(cookies))
    querystring = result.get("querystring")
    return ViewerRequest(
        method=request.method,
        path=str(result["uri"]),
        query=request.query if querystring == before["querystring"] else _query(querystring),
        headers=(
            *_header_pairs(given),
            *hidden,
            *((("cookie", cookie),) if cookie else ()),
        ),
    )


def _values(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Collect names with their values; of equal names, the last value and all of them."""
    collected: dict[str, list[str]] = {}
    for name, value in pairs:
        collected.setdefault(name, []).append(value)
    return {
        name: {
            "value": values[-1],
            **({"multiValue": [{"value": each} for each in values]} if len(values) > 1 else {}),
        }
        for name, values in collected.items()
    }


def _each(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from entry.get("multiValue") or [entry]


def _header_pairs(headers: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, entry in headers.items():
        if name != name.lower():
            raise InvalidResultError(f"the name of the header {name} isn't in lowercase")
        if not _is_allowed(name):
            raise InvalidResultError(f"it adds the header {name}")
        for each in _each(entry):
            yield name, str(each["value"])


def _cookies(headers: Headers) -> Iterator[tuple[str, str]]:
    for name, value in headers:
        if name.lower() == "cookie":
            for each in value.split(";"):
                key, separator, content = each.strip().partition("=")
                if separator:
                    yield key, content


def _set_cookies(cookies: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, entry in cookies.items():
        for each in _each(entry):
            yield name, str(each["value"]), str(each.get("attributes") or "")


def _query(querystring: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(querystring, str):
        return querystring
    return urlencode(
        [
            (name, str(each["value"]))
            for name, entry in (querystring or {}).items()
            for each in _each(entry)
        ]
    )


def _body(body: Any) -> bytes:  # noqa: ANN401 - any JSON
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    data = str(body["data"])
    return (
        base64.b64decode(data, validate=True) if body.get("encoding") == "base64" else data.encode()
    )


def _is_allowed(name: str) -> bool:
    return name not in _DISALLOWED and not name.startswith(_DISALLOWED_PREFIXES)
