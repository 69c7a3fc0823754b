import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from localcloud.aws.functions import Functions, Source

ACCOUNT = "000000000000"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:rotate"
SECRET = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:s-a1B2c3"
SOURCE = Source(service="secretsmanager.amazonaws.com", arn=SECRET)


def statement(**changes: object) -> Mapping[str, object]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": "secretsmanager.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
        **changes,
    }


class FakeLambda:
    """Lambda's API for one function."""

    def __init__(self, *statements: Mapping[str, object]) -> None:
        self.statements = statements
        self.answer = Response(b"null")
        self.requests: list[tuple[str, Any, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = request.url.path
        if path.endswith("/policy"):
            policy = {"Policy": json.dumps({"Statement": list(self.statements)})}
            response = Response(json.dumps(policy), 200 if self.statements else 404)
        else:
            kind = request.headers.get("x-amz-invocation-type", "")
            self.requests.append((path, await request.json(), kind))
            response = self.answer
        await response(scope, receive, send)


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([], False),
        ([statement()], True),
        ([statement(Principal={"Service": "events.amazonaws.com"})], False),
        ([statement(Action="lambda:GetFunction")], False),
        ([statement(Resource=f"{FUNCTION}-other")], False),
        ([statement(Condition={"StringEquals": {"AWS:SourceAccount": ACCOUNT}})], True),
        ([statement(Condition={"StringEquals": {"aws:sourceaccount": "111111111111"}})], False),
        ([statement(Condition={"ArnLike": {"AWS:SourceArn": f"{SECRET[:-6]}*"}})], True),
        ([statement(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:x"}})], False),
        ([statement(Condition={"Bool": {"aws:SecureTransport": "true"}})], False),
        ([statement(), statement(Effect="Deny")], False),
    ],
)
async def test_the_functions_policy_decides(
    statements: list[Mapping[str, object]], *, expected: bool
) -> None:
    functions = Functions(FakeLambda(*statements), ACCOUNT)
    assert await functions.lets(FUNCTION, SOURCE) is expected


async def test_latest_has_the_policy_of_the_function_and_a_version_has_not() -> None:
    functions = Functions(FakeLambda(statement()), ACCOUNT)
    assert await functions.lets(f"{FUNCTION}:$LATEST", SOURCE)
    assert not await functions.lets(f"{FUNCTION}:1", SOURCE)


async def test_an_invocation_waits_for_the_function() -> None:
    emulated = FakeLambda(statement())
    assert await Functions(emulated, ACCOUNT).invoke(FUNCTION, {"Step": "x"}, SOURCE) is None
    assert emulated.requests == [("/2015-03-31/functions/rotate/invocations", {"Step": "x"}, "")]


async def test_an_error_of_the_function_is_returned() -> None:
    emulated = FakeLambda(statement())
    emulated.answer = Response(b'{"errorMessage": "broken"}')
    emulated.answer.raw_headers.append((b"X-Amz-Function-Error", b"Unhandled"))
    failure = await Functions(emulated, ACCOUNT).invoke(FUNCTION, {}, SOURCE)
    assert failure == '{"errorMessage": "broken"}'


async def test_an_error_of_lambda_is_returned() -> None:
    emulated = FakeLambda(statement())
    emulated.answer = Response(b"Rate exceeded", 429)
    failure = await Functions(emulated, ACCOUNT).invoke(FUNCTION, {}, SOURCE)
    assert failure == "Rate exceeded"


async def test_a_function_that_is_not_allowed_is_not_invoked() -> None:
    emulated = FakeLambda()
    functions = Functions(emulated, ACCOUNT)
    refused = f"the policy of {FUNCTION} doesn't let {SOURCE.service} invoke it"
    assert await functions.invoke(FUNCTION, {}, SOURCE) == refused
    assert await functions.send(FUNCTION, b"{}", SOURCE) == refused
    assert emulated.requests == []


@pytest.mark.parametrize(("status", "failure"), [(202, None), (429, "null")])
async def test_an_event_is_accepted_or_not(status: int, failure: str | None) -> None:
    emulated = FakeLambda(statement())
    emulated.answer = Response(b"null", status)
    assert await Functions(emulated, ACCOUNT).send(FUNCTION, b'{"a": 1}', SOURCE) == failure
    assert emulated.requests == [("/2015-03-31/functions/rotate/invocations", {"a": 1}, "Event")]
