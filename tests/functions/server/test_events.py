import base64
import json
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.server import events
from functions.server.events import Request, Response
from tests.functions.server.conftest import size_in_lambda

# As the developer guide shows it, shortened.
EVENT: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/mcp",
    "rawQueryString": "a=1&a=2&b=%2F",
    "cookies": ["one=1", "two=2"],
    "headers": {
        "Authorization": "Bearer secret-token",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "host": "abc.lambda-url.us-east-1.on.aws",
        "content-length": "17",
        "connection": "keep-alive",
        "x-forwarded-for": "203.0.113.7",
    },
    "requestContext": {"http": {"method": "POST", "path": "/mcp"}},
    "body": '{"id": 1, "a": 2}',
    "isBase64Encoded": False,
}


def request_of(body: object) -> Request:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Request(method="POST", target="/mcp", headers=(), body=content)


def test_a_request_is_the_callers() -> None:
    request = events.read_event(EVENT)

    assert (request.method, request.target) == ("POST", "/mcp?a=1&a=2&b=%2F")
    assert request.body == b'{"id": 1, "a": 2}'
    assert dict(request.headers) == {
        "authorization": "Bearer secret-token",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "x-forwarded-for": "203.0.113.7",
        "cookie": "one=1; two=2",
    }


def test_a_request_without_a_body_or_a_query() -> None:
    event = {key: value for key, value in EVENT.items() if key not in {"body", "rawQueryString"}}

    request = events.read_event(event)

    assert (request.target, request.body) == ("/mcp", b"")


@given(st.binary())
def test_a_binary_body_arrives_unchanged(body: bytes) -> None:
    encoded = {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}

    assert events.read_event(EVENT | encoded).body == body


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": []},
        EVENT | {"headers": None},
        EVENT | {"body": "%", "isBase64Encoded": True},
    ],
)
def test_another_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="only a function URL's requests"):
        events.read_event(event)


def test_the_token_is_not_shown() -> None:
    assert "secret-token" not in repr(events.read_event(EVENT))


def test_equal_headers_are_joined_and_cookies_are_listed() -> None:
    headers = (
        ("WWW-Authenticate", 'Basic realm="a"'),
        ("Www-Authenticate", 'Bearer realm="a"'),
        ("Set-Cookie", "a=1, b"),
        ("set-cookie", "c=2"),
        ("Content-Length", "3"),
        ("Connection", "close"),
        ("Date", "today"),
    )

    result = events.result_of(Response(status=401, headers=headers, body=b"no\n"))

    assert result == {
        "statusCode": 401,
        "headers": {"www-authenticate": 'Basic realm="a", Bearer realm="a"'},
        "cookies": ["a=1, b", "c=2"],
        "body": "no\n",
        "isBase64Encoded": False,
    }


@given(st.binary(max_size=300))
def test_a_result_keeps_every_byte_of_the_body(body: bytes) -> None:
    result = events.result_of(Response(status=200, headers=(), body=body))

    content = str(result["body"])
    assert (base64.b64decode(content) if result["isBase64Encoded"] else content.encode()) == body


def test_text_that_is_too_large_in_json_is_encoded() -> None:
    # Every quotation mark takes two bytes in JSON, and four thirds in base64.
    quotes = Response(status=200, headers=(), body=b'"' * (events.LARGEST_RESULT * 7 // 10))

    result = events.result_of(quotes)

    assert result["isBase64Encoded"] is True
    assert size_in_lambda(result) < events.LARGEST_RESULT


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\\n\x00\x7f\u2028')))
def test_the_size_of_a_text_is_that_of_its_json(text: str) -> None:
    assert events.text_size(text.encode()) == size_in_lambda({"": text}) - size_in_lambda({"": ""})


_TOO_LARGE = pytest.raises(events.TooLargeError)


@pytest.mark.parametrize(
    ("unit", "beyond"),
    [
        ("a", _TOO_LARGE),
        ("ä", _TOO_LARGE),
        ("\u2028", _TOO_LARGE),
        ('"', nullcontext()),
        ("\x01", nullcontext()),
    ],
)
def test_text_is_returned_as_such_up_to_the_limit(
    unit: str, beyond: AbstractContextManager[object]
) -> None:
    headers = (("content-type", "text/plain; charset=ü"), ("set-cookie", "a=1"))

    def result(units: int, more: int = 0) -> dict[str, Any]:
        body = (unit * units + "b" * more).encode()
        return events.result_of(Response(status=200, headers=headers, body=body))

    empty = size_in_lambda(result(0))
    each = size_in_lambda(result(1)) - empty
    units, more = divmod(events.LARGEST_RESULT - empty, each)

    largest = result(units, more)
    assert size_in_lambda(largest) == events.LARGEST_RESULT
    assert largest["isBase64Encoded"] is False
    with beyond:
        assert result(units, more + 1)["isBase64Encoded"] is True


def test_a_result_in_base64_is_returned_up_to_the_limit() -> None:
    def result(count: int) -> dict[str, Any]:
        return events.result_of(Response(status=200, headers=(), body=b"\xff" * count))

    # Every three bytes take four.
    overhead = size_in_lambda({**result(0), "isBase64Encoded": True})
    count = (events.LARGEST_RESULT - overhead) // 4 * 3

    assert events.LARGEST_RESULT - size_in_lambda(result(count)) in range(4)
    with pytest.raises(events.TooLargeError) as raised:
        result(count + 1)
    assert raised.value.size in range(events.LARGEST_RESULT + 1, events.LARGEST_RESULT + 5)


def test_a_tool_call_that_is_too_large_fails_as_the_tool_would() -> None:
    call = {"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": {}}

    response = events.oversized(request_of(call), 7 * 1024 * 1024)

    assert response.status == HTTPStatus.OK
    answer = json.loads(response.body)
    assert (answer["id"], answer["result"]["isError"]) == ("x", True)
    assert (
        "has 7.0 MB, and AWS Lambda returns at most 6 MB" in answer["result"]["content"][0]["text"]
    )


def test_another_method_fails_with_an_error() -> None:
    response = events.oversized(request_of({"id": 0, "method": "tools/list"}), 10**7)

    answer = json.loads(response.body)
    assert answer["id"] == 0
    assert answer["error"]["code"] == -32603
    assert "result" not in answer


@pytest.mark.parametrize("body", [b"", b"\xff", [{"id": 1}], {"method": "x"}, "text"])
def test_what_is_no_call_of_mcp_fails_with_a_status(body: object) -> None:
    response = events.oversized(request_of(body), 10**7)

    assert response.status == HTTPStatus.BAD_GATEWAY
    assert response.body.startswith(b"The answer has 9.5 MB")
