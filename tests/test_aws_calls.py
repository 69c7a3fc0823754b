from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from tests.aws_calls import Call, action_of, recorded_calls, resource_of

_KNOWN = {"Partition": "aws", "Region": "eu-west-1", "Account": "111122223333"}
_SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-a1B2c3"


@pytest.mark.parametrize(
    ("action", "parameters", "expected"),
    [
        ("secretsmanager:GetSecretValue", {"SecretId": _SECRET}, _SECRET),
        (
            "cognito-idp:DescribeUserPoolClient",
            {"ClientId": "c", "UserPoolId": "eu-west-1_A"},
            "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_A",
        ),
        (
            "ecr:DescribeRepositories",
            {"repositoryNames": ["x"]},
            "arn:aws:ecr:eu-west-1:111122223333:repository/x",
        ),
        ("iam:GetRole", {"RoleName": "x"}, "arn:aws:iam::111122223333:role/x"),
        (
            "events:ListTargetsByRule",
            {"Rule": "x"},
            "arn:aws:events:eu-west-1:111122223333:rule/x",
        ),
        ("apprunner:ListServices", {}, "*"),
        ("cloudwatch:DescribeAlarms", {"AlarmNamePrefix": "x"}, "*"),
        ("cloudwatch:GetMetricData", {"ScanBy": "x"}, "*"),
        (
            "logs:DescribeLogGroups",
            {"logGroupNamePrefix": "x"},
            "arn:aws:logs:eu-west-1:111122223333:log-group:*",
        ),
    ],
)
def test_the_parameters_of_a_call_name_its_resource(
    action: str, parameters: dict[str, Any], expected: str
) -> None:
    assert resource_of(action, parameters, _KNOWN) == expected


@pytest.mark.parametrize(
    ("action", "parameters"),
    [("ecr:DescribeRepositories", {"repositoryNames": ["x", "y"]}), ("ecr:NoSuchAction", {})],
)
def test_a_call_without_a_known_resource_is_not_recorded_as_something_else(
    action: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(LookupError, match=action):
        resource_of(action, parameters, _KNOWN)


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("lambda", "Invoke", "lambda:InvokeFunction"),
        ("elbv2", "DescribeTags", "elasticloadbalancing:DescribeTags"),
        ("ecr", "GetAuthorizationToken", "ecr:GetAuthorizationToken"),
    ],
)
def test_iams_name_of_an_operation(service: str, operation: str, expected: str) -> None:
    assert action_of(service, operation) == expected


def test_calls_are_recorded_also_if_aws_refuses_them() -> None:
    session = boto3.Session("unused", "unused", region_name="eu-west-1")
    with recorded_calls(session, _KNOWN["Account"]) as calls:
        client = session.client("secretsmanager")
        with Stubber(client) as stubber:
            stubber.add_client_error("get_secret_value", "AccessDeniedException")
            with pytest.raises(ClientError):
                client.get_secret_value(SecretId=_SECRET)
    assert calls == {Call(action="secretsmanager:GetSecretValue", resource=_SECRET)}
