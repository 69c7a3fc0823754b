"""The rotation of a secret by Secrets Manager."""

import datetime as dt

import pytest

from localcloud.providers.aws.clients import AwsError, Document
from localcloud.providers.aws.rules import parameter_errors
from localcloud.providers.aws.secretsmanager import SecretRotation
from localcloud.providers.diffing import diff
from localcloud.providers.values import Values
from providers.aws.fake import create_request, fake, not_found, resource_request, update_request

_FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:rotation"
_INPUTS: Values = {
    "secretId": "arn",
    "rotateImmediately": False,
    "rotationLambdaArn": _FUNCTION,
    "rotationRules": {"automaticallyAfterDays": 30},
}


def _secret(**members: object) -> Document:
    return {
        "ARN": "arn",
        "RotationLambdaARN": _FUNCTION,
        "RotationRules": {"AutomaticallyAfterDays": 30},
        **members,
    }


def test_a_creation_sets_up_the_rotation_without_rotating() -> None:
    aws = fake(RotateSecret=[{"ARN": "arn"}])
    assert SecretRotation().create(create_request(aws, _INPUTS)).id == "arn"
    (sent,) = aws.called("RotateSecret")
    assert len(sent.pop("ClientRequestToken")) == 36
    assert sent == {
        "SecretId": "arn",
        "RotateImmediately": False,
        "RotationLambdaARN": _FUNCTION,
        "RotationRules": {"AutomaticallyAfterDays": 30},
    }
    assert list(parameter_errors(sent, aws.input_shape("secretsmanager", "RotateSecret"))) == []


@pytest.mark.parametrize("code", ["AccessDeniedException", "InvalidRequestException"])
def test_a_creation_is_repeated_until_the_function_may_be_invoked(code: str) -> None:
    refusal = AwsError("RotateSecret", code, "not yet")
    aws = fake(RotateSecret=[refusal, refusal, {"ARN": "arn"}])
    assert SecretRotation().create(create_request(aws, _INPUTS)).id == "arn"
    assert len({sent["ClientRequestToken"] for sent in aws.called("RotateSecret")}) == 1
    with pytest.raises(AwsError, match="not yet"):
        SecretRotation().create(create_request(fake(RotateSecret=[refusal]), _INPUTS, timeout=0))


def test_another_error_of_a_creation_is_reported_at_once() -> None:
    aws = fake(RotateSecret=[AwsError("RotateSecret", "InvalidParameterException", "wrong")])
    with pytest.raises(AwsError, match="wrong"):
        SecretRotation().create(create_request(aws, _INPUTS))
    assert len(aws.called("RotateSecret")) == 1


def test_a_rotation_switched_off_elsewhere_is_switched_on_by_the_next_deployment() -> None:
    aws = fake(DescribeSecret=[_secret(RotationEnabled=True), _secret(RotationEnabled=False)])
    found = SecretRotation().read(resource_request(aws, "arn", {}))
    assert found == {
        "secretId": "arn",
        "rotationLambdaArn": _FUNCTION,
        "rotationRules": {"automaticallyAfterDays": 30},
        "rotationEnabled": True,
        "region": "us-east-1",
    }
    off = SecretRotation().read(resource_request(aws, "arn", {}))
    assert off == {"secretId": "arn", "rotationEnabled": False, "region": "us-east-1"}
    changed = [each.path for each in diff(SecretRotation.properties, off, _INPUTS)]
    assert {"rotationLambdaArn", "rotationRules"} <= set(changed)


@pytest.mark.parametrize(
    "response", [_secret(DeletedDate=dt.datetime.now(dt.UTC)), not_found("DescribeSecret")]
)
def test_the_rotation_of_a_deleted_secret_is_gone(response: object) -> None:
    aws = fake(DescribeSecret=[response])
    assert SecretRotation().read(resource_request(aws, "arn", {})) is None


def test_a_change_of_the_schedule_sets_up_the_rotation_again() -> None:
    aws = fake(RotateSecret=[{"ARN": "arn"}])
    at_once: Values = {**_INPUTS, "rotateImmediately": True}
    SecretRotation().update(update_request(aws, "arn", _INPUTS, at_once))
    assert aws.calls == []
    weekly: Values = {**_INPUTS, "rotationRules": {"automaticallyAfterDays": 7}}
    SecretRotation().update(update_request(aws, "arn", _INPUTS, weekly))
    (sent,) = aws.called("RotateSecret")
    assert sent["RotationRules"] == {"AutomaticallyAfterDays": 7}
    assert sent["RotateImmediately"] is False


def test_a_deletion_cancels_the_rotation_and_fails_without_a_secret() -> None:
    aws = fake(CancelRotateSecret=[{}])
    SecretRotation().delete(resource_request(aws, "arn", _INPUTS))
    assert aws.called("CancelRotateSecret") == [{"SecretId": "arn"}]
    gone = fake(CancelRotateSecret=[not_found("CancelRotateSecret")])
    with pytest.raises(AwsError, match="ResourceNotFoundException"):
        SecretRotation().delete(resource_request(gone, "arn", _INPUTS))
