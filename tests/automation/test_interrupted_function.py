import json
from collections.abc import Iterator

import pytest

from automation.drills.function_process import (
    FAILED,
    KILLED,
    RETURNED,
    FunctionProcess,
    FunctionProcessError,
)
from automation.interrupted_function import Calls, Point
from automation.proxy import Proxy, Request, Response


class Ended(Exception):  # noqa: N818 - it is no error
    """The process ends here."""


def calls_until(point: Point, names: list[str]) -> list[str]:
    """Make calls, and return those that ended before the process did."""
    ended: list[str] = []

    def end() -> None:
        raise Ended

    calls = Calls(point, report=ended.append, end=end)
    try:
        for name in names:
            calls.begin()
            calls.finish(name)
    except Ended:
        return ended
    return [*ended, "the end"]


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (Point(calls=0), []),
        (Point(calls=1), ["Get"]),
        (Point(calls=3), ["Get", "Add", "Get"]),
        (Point(calls=4), ["Get", "Add", "Get", "the end"]),
        (Point(operation="Add"), ["Get", "Add"]),
        (Point(operation="Delete"), ["Get", "Add", "Get", "the end"]),
        (Point(), ["Get", "Add", "Get", "the end"]),
    ],
)
def test_a_process_ends_at_its_point(point: Point, expected: list[str]) -> None:
    assert calls_until(point, ["Get", "Add", "Get"]) == expected


_VERSION = "version".zfill(32)
_EVENT = {"Step": "testSecret", "SecretId": "arn", "ClientRequestToken": _VERSION}


class Aws:
    """What the function's step testSecret asks AWS for."""

    def __init__(self) -> None:
        self.url = ""
        self.token_status = 200

    def respond(self, request: Request) -> Response:
        if request.path == "/token":
            return Response(status=self.token_status, body=b"{}")
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        value = {
            "clientId": "client",
            "clientSecret": "hush-hush-hush",
            "tokenUrl": f"{self.url}/token",
            "mcpUrl": f"{self.url}/mcp",
            "scopes": ["reader"],
        }
        app_client = {
            "ClientId": "client",
            "AllowedOAuthFlowsUserPoolClient": True,
            "AllowedOAuthFlows": ["client_credentials"],
        }
        version = {
            "VersionId": _VERSION,
            "VersionStages": ["AWSCURRENT", "cognito:client--1"],
            "CreatedDate": 1795772276,
        }
        secret = {"ClientSecretId": "client--1", "ClientSecretCreateDate": 1795772276}
        answers = {
            "ListSecretVersionIds": {"Versions": [version]},
            "ListUserPoolClientSecrets": {"ClientSecrets": [secret]},
            "GetSecretValue": {"SecretString": json.dumps(value)},
            "DescribeUserPoolClient": {"UserPoolClient": app_client},
        }
        headers = {"content-type": "application/x-amz-json-1.1"}
        return Response(status=200, headers=headers, body=json.dumps(answers[operation]).encode())


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    found = Aws()
    with Proxy(found.respond) as proxy:
        found.url = proxy.url
        yield found


@pytest.fixture(scope="module")
def function(aws: Aws) -> Iterator[FunctionProcess]:
    with FunctionProcess(_environment(aws)) as process:
        yield process


def _environment(aws: Aws) -> dict[str, str]:
    return {
        "USER_POOL_ID": "us-east-1_pool",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }


@pytest.mark.program
def test_the_function_dies_after_each_of_its_calls(function: FunctionProcess) -> None:
    whole = function.run(_EVENT)
    assert whole.ended == RETURNED, whole.message
    assert whole.calls[-1] == "token request"
    for count in range(len(whole.calls) + 1):
        died = function.run(_EVENT, calls=count)
        assert (died.ended, died.calls) == (KILLED, whole.calls[:count])
    named = function.run(_EVENT, operation="DescribeUserPoolClient")
    assert (named.ended, named.calls[-1]) == (KILLED, "DescribeUserPoolClient")
    assert function.run(_EVENT, calls=len(whole.calls) + 1) == whole


@pytest.mark.program
def test_a_failure_of_the_function_is_reported_without_the_secret(
    function: FunctionProcess,
) -> None:
    failed = function.run({**_EVENT, "Step": "noSuchStep"})
    assert (failed.ended, failed.calls) == (FAILED, ())
    assert "RotationError: a rotation has no step noSuchStep" in failed.message


@pytest.mark.program
def test_a_refused_token_request_is_a_call_and_a_run_has_a_limit(
    function: FunctionProcess, aws: Aws
) -> None:
    aws.token_status = 400
    refused = function.run(_EVENT, operation="token request")
    assert (refused.ended, refused.calls[-1]) == (KILLED, "token request")
    # The function requests tokens until one is issued.
    with (
        FunctionProcess(_environment(aws), limit=5.0) as process,
        pytest.raises(FunctionProcessError, match=r"took longer than 5 s"),
    ):
        process.run(_EVENT)
