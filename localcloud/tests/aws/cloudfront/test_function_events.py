import copy
from typing import Any

import pytest

from localcloud.aws.cloudfront.function_events import (
    InvalidResultError,
    Invocation,
    ViewerRequest,
    event_of,
    outcome_of,
)
from localcloud.aws.cloudfront.messages import Answer

REQUEST = ViewerRequest(
    method="GET",
    path="/mcp",
    query="a=1&a=2&b=%2F",
    headers=(
        ("Host", "localhost:8462"),
        ("X-Two", "1"),
        ("X-Two", "2"),
        ("Cookie", "a=1; b=2"),
        ("X-Forwarded-Proto", "http"),
        ("Via", "1.1 proxy"),
    ),
)


def event() -> dict[str, Any]:
    invocation = Invocation(
        distribution="E1", domain_name="localhost:8462", request_id="r", viewer="192.0.2.1"
    )
    return event_of(REQUEST, invocation)


def returned() -> dict[str, Any]:
    """Return the event's request, as a function that changes nothing does."""
    return copy.deepcopy(event())["request"]  # type: ignore[no-any-return] # JSON


def test_an_event_has_the_request() -> None:
    found = event()

    assert found["viewer"] == {"ip": "192.0.2.1"}
    assert found["context"]["distributionDomainName"] == "localhost:8462"
    assert found["request"] == {
        "method": "GET",
        "uri": "/mcp",
        "querystring": {
            "a": {"value": "2", "multiValue": [{"value": "1"}, {"value": "2"}]},
            "b": {"value": "/"},
        },
        "headers": {
            "host": {"value": "localhost:8462"},
            "x-two": {"value": "2", "multiValue": [{"value": "1"}, {"value": "2"}]},
            "via": {"value": "1.1 proxy"},
        },
        "cookies": {"a": {"value": "1"}, "b": {"value": "2"}},
    }


def test_an_unchanged_request_stays_as_the_viewer_sent_it() -> None:
    outcome = outcome_of(returned(), REQUEST)

    assert isinstance(outcome, ViewerRequest)
    assert (outcome.path, outcome.query) == (REQUEST.path, REQUEST.query)
    assert sorted(outcome.headers) == sorted(
        [
            ("host", "localhost:8462"),
            ("x-two", "1"),
            ("x-two", "2"),
            ("cookie", "a=1; b=2"),
            ("X-Forwarded-Proto", "http"),
            ("via", "1.1 proxy"),
        ]
    )


def test_a_function_can_change_the_request() -> None:
    result = returned()
    result["uri"] = "/other"
    result["querystring"] = {"c": {"value": "a b"}}
    result["headers"] = {"host": result["headers"]["host"], "via": result["headers"]["via"]}
    result["cookies"] = {}

    outcome = outcome_of(result, REQUEST)

    assert isinstance(outcome, ViewerRequest)
    assert (outcome.path, outcome.query) == ("/other", "c=a+b")
    assert [name for name, _ in outcome.headers] == ["host", "via", "X-Forwarded-Proto"]


def test_a_function_can_answer() -> None:
    outcome = outcome_of(
        {
            "statusCode": 401,
            "statusDescription": "Unauthorized",
            "headers": {"www-authenticate": {"value": "Bearer"}},
            "cookies": {"a": {"value": "1", "attributes": "Secure"}},
            "body": {"encoding": "base64", "data": "YQ=="},
        },
        REQUEST,
    )

    assert outcome == Answer(
        status=401,
        headers=(("www-authenticate", "Bearer"), ("Set-Cookie", "a=1; Secure")),
        body=b"a",
        reason="Unauthorized",
    )


@pytest.mark.parametrize(
    "result",
    [
        None,
        "text",
        {},
        {"statusCode": "401"},
        {"statusCode": 99},
        {"statusCode": 200, "headers": {"X-Upper": {"value": "a"}}},
        {"statusCode": 200, "headers": {"x-amz-cf-id": {"value": "a"}}},
        {"statusCode": 200, "headers": {"connection": {"value": "close"}}},
        {"statusCode": 200, "headers": {"a": "no object"}},
        {"statusCode": 200, "body": {"encoding": "base64", "data": "*"}},
        {**returned(), "method": "POST"},
        {**returned(), "uri": "mcp"},
        {**returned(), "headers": {}},
        {**returned(), "headers": {**returned()["headers"], "host": {"value": "other"}}},
    ],
)
def test_a_result_that_cloudfront_can_not_use_is_refused(result: Any) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(InvalidResultError):
        outcome_of(result, REQUEST)
