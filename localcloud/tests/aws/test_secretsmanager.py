"""Secrets Manager at the endpoint: rotations by a real function."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws.conftest import ACCOUNT, REGION, AwsEndpoint, eventually
from aws.recording_function import RecordingFunction
from localcloud.aws.control import ControlError

pytestmark = pytest.mark.stand_in

PRINCIPAL = "secretsmanager.amazonaws.com"
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
# The steps of AWS's generic template (aws-secrets-manager-rotation-lambdas), with what it sees.
_ROTATE = """
import json
import os
import boto3

secrets = boto3.client("secretsmanager")


def handler(event, context):
    step, arn, token = event["Step"], event["SecretId"], event["ClientRequestToken"]
    described = secrets.describe_secret(SecretId=arn)
    stages = described["VersionIdsToStages"]
    value = None
    try:
        value = secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
    except secrets.exceptions.ResourceNotFoundException:
        pass
    seen = {"step": step, "token": token, "stages": stages[token], "empty": value is None}
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(seen))
    tags = {tag["Key"]: tag["Value"] for tag in described.get("Tags", [])}
    if tags.get("fails") == step:
        raise ValueError("the test's failure")
    if step == "createSecret" and value is None:
        secrets.put_secret_value(
            SecretId=arn,
            ClientRequestToken=token,
            SecretString="rotated",
            VersionStages=["AWSPENDING"],
        )
    if step == "finishSecret":
        [current] = [key for key in stages if "AWSCURRENT" in stages[key]]
        secrets.update_secret_version_stage(
            SecretId=arn,
            VersionStage="AWSCURRENT",
            MoveToVersionId=token,
            RemoveFromVersionId=current,
        )
"""


@pytest.fixture(scope="module")
def rotate(endpoint: AwsEndpoint) -> RecordingFunction:
    function = RecordingFunction.create(endpoint, "rotate", _ROTATE)
    function.allow(PRINCIPAL)
    return function


@pytest.fixture
def secret(endpoint: AwsEndpoint, rotate: RecordingFunction) -> Iterator[str]:
    secrets = endpoint.client("secretsmanager")
    arn: str = secrets.create_secret(Name=f"rotated/{uuid.uuid4()}", SecretString="first")["ARN"]
    yield arn
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    rotate.events()


def _rotate(endpoint: AwsEndpoint, secret: str, rotate: RecordingFunction, **more: Any) -> Any:  # noqa: ANN401 - a response
    return endpoint.client("secretsmanager").rotate_secret(
        SecretId=secret,
        RotationLambdaARN=rotate.arn,
        RotationRules={"AutomaticallyAfterDays": 2},
        **more,
    )


def _stages(endpoint: AwsEndpoint, secret: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = endpoint.client("secretsmanager").describe_secret(
        SecretId=secret
    )["VersionIdsToStages"]
    return found


def _wait_for_current(endpoint: AwsEndpoint, secret: str, version: str) -> None:
    eventually(lambda: _stages(endpoint, secret).get(version) == ["AWSCURRENT"])


def test_a_rotation_runs_the_four_steps(
    endpoint: AwsEndpoint, rotate: RecordingFunction, secret: str
) -> None:
    secrets = endpoint.client("secretsmanager")
    started = _rotate(endpoint, secret, rotate)
    token = started["VersionId"]
    _wait_for_current(endpoint, secret, token)
    steps = rotate.wait_for_events(4)
    assert [(each["step"], each["empty"]) for each in steps] == [
        (step, step == "createSecret") for step in STEPS
    ]
    assert {each["token"] for each in steps} == {token}
    assert all(each["stages"] == ["AWSPENDING"] for each in steps)
    assert secrets.get_secret_value(SecretId=secret)["SecretString"] == "rotated"
    described = secrets.describe_secret(SecretId=secret)
    assert sorted(described["VersionIdsToStages"].values()) == [["AWSCURRENT"], ["AWSPREVIOUS"]]
    assert described["RotationEnabled"] is True
    assert described["RotationLambdaARN"] == rotate.arn
    assert described["RotationRules"] == {"AutomaticallyAfterDays": 2}
    assert described["LastRotatedDate"] < described["NextRotationDate"]
    [listed] = secrets.list_secrets(Filters=[{"Key": "name", "Values": [described["Name"]]}])[
        "SecretList"
    ]
    assert listed["NextRotationDate"] == described["NextRotationDate"]


def test_the_next_rotation_needs_no_configuration(
    endpoint: AwsEndpoint, rotate: RecordingFunction, secret: str
) -> None:
    _wait_for_current(endpoint, secret, _rotate(endpoint, secret, rotate)["VersionId"])
    again = endpoint.client("secretsmanager").rotate_secret(SecretId=secret)
    _wait_for_current(endpoint, secret, again["VersionId"])


def test_a_failed_step_is_attempted_again_and_blocks_the_next_rotation(
    endpoint: AwsEndpoint, rotate: RecordingFunction, secret: str
) -> None:
    secrets = endpoint.client("secretsmanager")
    secrets.tag_resource(SecretId=secret, Tags=[{"Key": "fails", "Value": "setSecret"}])
    token = _rotate(endpoint, secret, rotate)["VersionId"]
    assert [each["step"] for each in rotate.wait_for_events(2)] == STEPS[:2]
    assert _stages(endpoint, secret)[token] == ["AWSPENDING"]
    with pytest.raises(ClientError, match="A previous rotation isn't complete"):
        secrets.rotate_secret(SecretId=secret)
    secrets.untag_resource(SecretId=secret, TagKeys=["fails"])
    # In case that all attempts have been made meanwhile.
    endpoint.control().call("MakeRotationDue", SecretId=secret)
    was_current = {"AWSCURRENT", "AWSPREVIOUS"}
    eventually(lambda: was_current & set(_stages(endpoint, secret).get(token, [])))


def test_a_rotation_that_failed_for_good_can_be_given_up(
    endpoint: AwsEndpoint, rotate: RecordingFunction, secret: str
) -> None:
    secrets = endpoint.client("secretsmanager")
    secrets.tag_resource(SecretId=secret, Tags=[{"Key": "fails", "Value": "setSecret"}])
    token = _rotate(endpoint, secret, rotate)["VersionId"]
    assert [each["step"] for each in rotate.wait_for_events(6)] == 3 * STEPS[:2]
    secrets.untag_resource(SecretId=secret, TagKeys=["fails"])
    secrets.update_secret_version_stage(
        SecretId=secret, VersionStage="AWSPENDING", RemoveFromVersionId=token
    )

    def start_again() -> str | None:
        # The last attempt may not have ended yet.
        try:
            return str(secrets.rotate_secret(SecretId=secret)["VersionId"])
        except secrets.exceptions.InvalidRequestException:
            return None

    _wait_for_current(endpoint, secret, eventually(start_again))
    removed = endpoint.control().call("RemoveDeprecatedVersions", SecretId=secret)["Removed"]
    assert removed == [token]


def test_without_an_immediate_rotation_only_the_test_runs(
    endpoint: AwsEndpoint, rotate: RecordingFunction, secret: str
) -> None:
    before = _stages(endpoint, secret)
    assert "VersionId" not in _rotate(endpoint, secret, rotate, RotateImmediately=False)
    [tested] = rotate.wait_for_events(1)
    assert (tested["step"], tested["stages"], tested["empty"]) == (
        "testSecret",
        ["AWSPENDING"],
        False,
    )
    eventually(lambda: _stages(endpoint, secret) == before)
    described = endpoint.client("secretsmanager").describe_secret(SecretId=secret)
    assert described["RotationEnabled"] is True
    assert "LastRotatedDate" not in described


def test_a_due_rotation_starts_by_itself(
    endpoint: AwsEndpoint, rotate: RecordingFunction, secret: str
) -> None:
    secrets = endpoint.client("secretsmanager")
    with pytest.raises(ControlError, match="isn't rotated"):
        endpoint.control().call("MakeRotationDue", SecretId=secret)
    _rotate(endpoint, secret, rotate, RotateImmediately=False)
    rotate.wait_for_events(1)
    endpoint.control().call("MakeRotationDue", SecretId=secret)
    eventually(lambda: secrets.get_secret_value(SecretId=secret)["SecretString"] == "rotated")
    assert [each["step"] for each in rotate.wait_for_events(4)] == STEPS


def test_a_cancelled_rotation_is_not_scheduled(
    endpoint: AwsEndpoint, rotate: RecordingFunction, secret: str
) -> None:
    secrets = endpoint.client("secretsmanager")
    _wait_for_current(endpoint, secret, _rotate(endpoint, secret, rotate)["VersionId"])
    secrets.cancel_rotate_secret(SecretId=secret)
    described = secrets.describe_secret(SecretId=secret)
    assert described["RotationEnabled"] is False
    assert described["RotationLambdaARN"] == rotate.arn
    assert "NextRotationDate" not in described
    with pytest.raises(ControlError, match="isn't rotated"):
        endpoint.control().call("MakeRotationDue", SecretId=secret)


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        ({"SourceAccount": ACCOUNT}, True),
        ({"SourceAccount": "111111111111"}, False),
        ({"SourceArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:policy/*"}, True),
        ({"SourceArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:other/*"}, False),
    ],
)
def test_the_functions_policy_decides_whether_a_secret_can_be_rotated(
    endpoint: AwsEndpoint, condition: dict[str, str], *, allowed: bool
) -> None:
    secrets, name = endpoint.client("secretsmanager"), f"policy-{uuid.uuid4()}"
    function = RecordingFunction.create(endpoint, name)
    arn = secrets.create_secret(Name=f"policy/{name}", SecretString="value")["ARN"]
    with pytest.raises(ClientError, match="Ensure that the function policy grants access") as none:
        _rotate(endpoint, arn, function)
    assert none.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "RotationEnabled" not in secrets.describe_secret(SecretId=arn)
    function.allow(PRINCIPAL, **condition)
    if allowed:
        _rotate(endpoint, arn, function, RotateImmediately=False)
        function.wait_for_events(1)
    else:
        with pytest.raises(ClientError, match="Ensure that the function policy grants access"):
            _rotate(endpoint, arn, function)
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
