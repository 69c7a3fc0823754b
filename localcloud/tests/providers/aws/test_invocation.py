"""Invocations during a deployment."""

import json

import pytest

from localcloud.providers.aws.lambda_ import Invocation
from localcloud.providers.aws.rules import parameter_errors
from localcloud.providers.checking import check
from localcloud.providers.schema import ProviderError
from localcloud.providers.values import UNKNOWN, Values
from providers.aws.fake import (
    check_request,
    create_request,
    fake,
    resource_request,
    update_request,
)

_INPUTS: Values = {
    "functionName": "rotation",
    "input": '{"publish": "arn"}',
    "lifecycleScope": "CREATE_ONLY",
    "qualifier": "$LATEST",
    "triggers": {"day": "monday"},
}


def test_a_creation_invokes_the_function_and_keeps_its_result() -> None:
    aws = fake(Invoke=[{"StatusCode": 200, "Payload": b'{"done": "published"}'}])
    created = Invocation().create(create_request(aws, _INPUTS))
    (sent,) = aws.called("Invoke")
    assert (sent["FunctionName"], sent["Payload"]) == ("rotation", b'{"publish": "arn"}')
    assert list(parameter_errors(sent, aws.input_shape("lambda", "Invoke"))) == []
    assert created.outputs["result"] == '{"done": "published"}'
    # The real provider's id ends with the MD5 of the input.
    assert created.id == "rotation,$LATEST,ca43ff2d2a99bd2247468ead7b69af09"


def test_an_error_of_the_function_fails_the_creation_with_its_message() -> None:
    payload = json.dumps({"errorMessage": "two secrets exist", "errorType": "RotationError"})
    aws = fake(
        Invoke=[{"StatusCode": 200, "FunctionError": "Unhandled", "Payload": payload.encode()}]
    )
    with pytest.raises(ProviderError, match=r"\(rotation\): .*two secrets exist.*RotationError"):
        Invocation().create(create_request(aws, _INPUTS))


def test_a_read_returns_the_state_and_a_deletion_calls_nothing() -> None:
    state: Values = {**_INPUTS, "result": "{}"}
    aws = fake()
    assert Invocation().read(resource_request(aws, "id", state)) == state
    Invocation().delete(resource_request(aws, "id", state))
    assert aws.calls == []
    with pytest.raises(ProviderError, match="doesn't import"):
        Invocation().read(resource_request(aws, "id", {}))


def test_a_change_in_place_invokes_the_function_again() -> None:
    aws = fake(Invoke=[{"StatusCode": 200, "Payload": b"{}"}])
    outputs = Invocation().update(update_request(aws, "id", _INPUTS, _INPUTS))
    assert outputs["result"] == "{}"
    assert len(aws.called("Invoke")) == 1


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        ({}, []),
        ({"input": UNKNOWN}, []),
        ({"input": "publish"}, ["input is not a JSON document"]),
        (
            {"lifecycleScope": "CRUD"},
            ["Unsupported: the stand-in doesn't support the lifecycleScope CRUD"],
        ),
    ],
)
def test_inputs_are_json_and_invoke_only_at_a_creation(change: Values, reasons: list[str]) -> None:
    inputs, failures = check(Invocation.properties, {**_INPUTS, **change})
    assert failures == []
    _, failures = Invocation().check(check_request(fake(), inputs))
    assert [failure.reason for failure in failures] == reasons
