import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aws.lambda_ import events
from localcloud.aws.lambda_.events import UrlRequest
from localcloud.aws.lambda_.functions import allows_public_url

REQUEST = UrlRequest(
    method="POST",
    path="/a%2Fb",
    query="x=1&x=2&y=%20",
    headers=(
        ("Authorization", "Bearer t"),
        ("X-Twice", "1"),
        ("x-twice", "2"),
        ("Cookie", "a=1; b=2"),
        ("Content-Type", "application/json; charset=utf-8"),
        ("X-Forwarded-For", "203.0.113.1"),
    ),
    body='{"é": 1}'.encode(),
    source="127.0.0.1",
    host="localhost:8443",
)
URL_STATEMENT = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "lambda:InvokeFunctionUrl",
    "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
}
INVOKE_STATEMENT = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "lambda:InvokeFunction",
    "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}},
}


def _equals(key: str) -> dict[str, Any]:
    return {"StringEquals": {key: "another"}}


def test_an_event_has_payload_format_2() -> None:
    event = events.event_of(REQUEST)

    assert (event["version"], event["routeKey"]) == ("2.0", "$default")
    assert (event["rawPath"], event["rawQueryString"]) == ("/a%2Fb", "x=1&x=2&y=%20")
    assert event["cookies"] == ["a=1", "b=2"]
    assert (event["body"], event["isBase64Encoded"]) == ('{"é": 1}', False)
    headers = event["headers"]
    assert headers["authorization"] == "Bearer t"
    assert headers["x-twice"] == "1,2"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert "cookie" not in headers
    http = event["requestContext"]["http"]
    assert (http["method"], http["path"], http["sourceIp"]) == ("POST", "/a%2Fb", "127.0.0.1")


def test_an_event_without_a_body_has_none() -> None:
    event = events.event_of(replace(REQUEST, body=b"", headers=()))

    assert "body" not in event
    assert "cookies" not in event


@given(body=st.binary(min_size=1, max_size=100), kind=st.sampled_from(["text/plain", "image/png"]))
def test_every_body_reaches_the_function(body: bytes, kind: str) -> None:
    event = events.event_of(replace(REQUEST, body=body, headers=(("content-type", kind),)))

    content = event["body"]
    assert (base64.b64decode(content) if event["isBase64Encoded"] else content.encode()) == body
    assert event["isBase64Encoded"] or kind == "text/plain"


def test_an_event_is_limited_by_its_size_as_json() -> None:
    least = len(json.dumps({"body": ""}))

    assert events.encode({"body": "a" * (events.LARGEST_EVENT - least)}) is not None
    assert events.encode({"body": "a" * (events.LARGEST_EVENT - least + 1)}) is None


def test_a_result_is_the_response() -> None:
    result = {
        "statusCode": 401,
        "headers": {"WWW-Authenticate": "Bearer", "X-Own": "1"},
        "cookies": ["a=1", "b=2"],
        "body": base64.b64encode(b"\xff").decode(),
        "isBase64Encoded": True,
    }

    response = events.response_of(json.dumps(result).encode())

    assert (response.status, response.body) == (401, b"\xff")
    assert response.headers == (
        ("x-amzn-remapped-www-authenticate", "Bearer"),
        ("x-own", "1"),
        ("content-type", "application/json"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    )


@pytest.mark.parametrize(
    ("result", "body"), [({"a": 1}, b'{"a": 1}'), ("text", b"text"), ([1], b"[1]"), (None, b"null")]
)
def test_a_result_without_a_status_is_the_body(result: object, body: bytes) -> None:
    response = events.response_of(json.dumps(result).encode())

    assert (response.status, response.body) == (200, body)


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "many"},
        {"statusCode": 200, "headers": ["a"]},
        {"statusCode": 200, "body": "%", "isBase64Encoded": True},
        {"statusCode": 200, "body": {"a": 1}},
    ],
)
def test_a_result_that_is_no_response_is_a_502(result: dict[str, Any]) -> None:
    assert events.response_of(json.dumps(result).encode()).status == 502


def test_a_result_is_limited_by_its_size_as_json() -> None:
    least = len(json.dumps({"statusCode": 200, "body": ""}))

    def status(size: int) -> int:
        return events.response_of(
            json.dumps({"statusCode": 200, "body": "a" * (size - least)}).encode()
        ).status

    assert status(events.LARGEST_RESULT) == 200
    assert status(events.LARGEST_RESULT + 1) == 502


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([URL_STATEMENT, INVOKE_STATEMENT], True),
        ([URL_STATEMENT], False),
        ([INVOKE_STATEMENT], False),
        ([], False),
        ([URL_STATEMENT, {**INVOKE_STATEMENT, "Condition": {}}], True),
        ([URL_STATEMENT, {**INVOKE_STATEMENT, "Principal": {"AWS": "*"}}], True),
        ([URL_STATEMENT, {**INVOKE_STATEMENT, "Principal": {"AWS": "arn:aws:iam::1:root"}}], False),
        ([URL_STATEMENT, INVOKE_STATEMENT, {**INVOKE_STATEMENT, "Effect": "Deny"}], False),
        (
            [
                {
                    **URL_STATEMENT,
                    "Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "X"}},
                },
                INVOKE_STATEMENT,
            ],
            False,
        ),
        (
            [
                URL_STATEMENT,
                {
                    **INVOKE_STATEMENT,
                    "Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": False}},
                },
            ],
            False,
        ),
    ],
)
def test_a_public_url_needs_both_actions(statements: list[dict[str, Any]], allowed: bool) -> None:
    assert allows_public_url(json.dumps({"Statement": statements})) is allowed


def test_a_function_without_a_policy_has_no_public_url() -> None:
    assert allows_public_url(None) is False
