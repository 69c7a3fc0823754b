from localcloud.aws.cloudfront import messages
from localcloud.aws.cloudfront.messages import Answer


def test_a_request_to_the_origin_has_its_host_and_the_viewers_address() -> None:
    headers = messages.to_origin(
        (
            ("host", "d1.cloudfront.net"),
            ("authorization", "Bearer t"),
            ("connection", "keep-alive, x-hop"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("expect", "100-continue"),
            ("x-forwarded-for", "192.0.2.1"),
            ("x-forwarded-proto", "http"),
            ("x-edge-location", "here"),
            ("x-amz-cf-id", "forged"),
        ),
        host="app.example.com",
        viewer="192.0.2.2",
        request_id="id",
    )

    found = dict(headers)
    assert found.pop("Via").endswith("cloudfront.net (CloudFront)")
    assert found == {
        "Host": "app.example.com",
        "authorization": "Bearer t",
        "X-Amz-Cf-Id": "id",
        "X-Forwarded-For": "192.0.2.1, 192.0.2.2",
    }


def test_a_response_to_the_viewer_says_where_it_is_from() -> None:
    passed = messages.to_viewer(
        (("Content-Type", "a"), ("Connection", "close"), ("Set-Cookie", "a"), ("Set-Cookie", "b")),
        status=200,
        request_id="id",
    )
    failed = messages.to_viewer((), status=404, request_id="id")

    assert [value for name, value in passed if name == "Set-Cookie"] == ["a", "b"]
    assert "Connection" not in dict(passed)
    assert dict(passed)["X-Cache"] == "Miss from cloudfront"
    assert dict(failed)["X-Cache"] == "Error from cloudfront"


def test_a_blocked_request_gets_the_rules_status_or_wafs() -> None:
    assert messages.blocked(429, request_id="id").status == 429
    assert messages.blocked(429, request_id="id").body == b""
    own = messages.blocked(None, request_id="id")
    assert own.status == 403
    assert b"Request ID: id" in own.body


def test_a_generated_response_is_marked() -> None:
    answer = messages.generated(Answer(status=401, reason="Unauthorized"), request_id="id")

    assert (answer.status, answer.reason) == (401, "Unauthorized")
    assert dict(answer.headers)["X-Cache"] == "FunctionGeneratedResponse from cloudfront"
