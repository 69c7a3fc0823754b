"""The entry point, with boto3's own clients and answers in place of AWS's."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from functions.rotation.credentials import RotationError
from functions.rotation.handler import handle

ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:neo4j-mcp-reader-AbCdEf"

VERSION = "0aa5ec6c-5c0f-4a0f-9d4c-3f3a3b8f1c11"


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_options: object) -> Iterator[bytes]:
        yield self._content


@dataclass
class Answers:
    """AWS's answers in order, and the operations that were called."""

    queue: list[tuple[int, dict[str, Any]]]
    called: list[str] = field(default_factory=list)

    def __call__(self, request: AWSRequest, **_event: object) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        self.called.append((target.decode() if isinstance(target, bytes) else target).split(".")[1])
        status, answer = self.queue.pop(0)
        headers = HTTPHeaders.from_dict({"content-type": "application/x-amz-json-1.1"})
        return AWSResponse(
            "https://aws.example", status, headers, _Body(json.dumps(answer).encode())
        )


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answers]:
    """Let AWS answer the function's calls."""
    for name, value in {
        "USER_POOL_ID": "us-east-1_Example01",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)

    def prepare(*answers: tuple[int, dict[str, Any]]) -> Answers:
        prepared = Answers(list(answers))
        session = boto3.Session()
        # A handler's result is the answer; botocore's types say it has none.
        session.events.register("before-send", cast("Callable[..., None]", prepared))
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
        return prepared

    return prepare


def error(code: str) -> tuple[int, dict[str, Any]]:
    return 400, {"__type": code, "message": f"{code} from AWS"}


def test_throttled_requests_are_retried(answer: Callable[..., Answers]) -> None:
    answers = answer(
        error("ThrottlingException"),
        error("TooManyRequestsException"),
        (200, {"ARN": ARN, "Versions": []}),
    )

    result = handle({"retire": [{"secret": ARN, "overlapHours": 24}]}, None)

    assert answers.called == ["ListSecretVersionIds"] * 3
    (retired,) = result["results"]
    assert retired["done"] == "the secret has no value yet"


def test_a_failure_is_logged_with_what_it_is_about(
    answer: Callable[..., Answers], caplog: pytest.LogCaptureFixture
) -> None:
    answer(error("InternalServiceErrorX"))
    event = {"Step": "setSecret", "SecretId": ARN, "ClientRequestToken": VERSION}

    with caplog.at_level(logging.INFO), pytest.raises(ClientError):
        handle(event, None)

    assert json.loads(caplog.records[-1].getMessage()) == {
        "message": "setSecret",
        "secret": ARN,
        "versionId": VERSION,
        "error": "ClientError: An error occurred (InternalServiceErrorX) when calling the"
        " GetSecretValue operation: InternalServiceErrorX from AWS",
    }


def test_a_function_without_its_user_pool_does_nothing(
    answer: Callable[..., Answers], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = answer()
    monkeypatch.delenv("USER_POOL_ID")

    with pytest.raises(KeyError, match="USER_POOL_ID"):
        handle({"rotate": ARN}, None)

    assert not answers.called


def test_cognitos_own_message_about_a_client_secret_is_not_shown(
    answer: Callable[..., Answers],
) -> None:
    value = {
        "clientId": "client",
        "clientSecret": "hunter2hunter2hunter2hunter2",
        "tokenUrl": "https://token.example",
        "mcpUrl": "https://mcp.example",
        "scopes": [],
    }
    read = (200, {"SecretString": json.dumps(value)})
    versions = (
        200,
        {"Versions": [{"VersionId": VERSION, "VersionStages": ["AWSPENDING"], "CreatedDate": 1}]},
    )
    answer(
        read,
        versions,
        (200, {"UserPoolClient": {}}),
        (200, {"ClientSecrets": []}),
        versions,
        (400, {"__type": "InvalidParameterException", "message": "Value 'hunter2' is invalid"}),
    )

    with pytest.raises(RotationError, match="InvalidParameterException") as refused:
        handle({"Step": "setSecret", "SecretId": ARN, "ClientRequestToken": VERSION}, None)

    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None
