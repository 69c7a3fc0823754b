"""What the event history records of requests."""

import json

import pytest

from localcloud.aws.cloudtrail import requests
from localcloud.aws.cloudtrail.models import Identity, Resource

SECRETS = "secretsmanager"


@pytest.mark.parametrize(
    ("service", "path", "target", "body", "expected"),
    [
        (SECRETS, "/", "secretsmanager.GetSecretValue", b"{}", "GetSecretValue"),
        ("iam", "/", "", b"Action=GetRole&RoleName=x&Version=2010-05-08", "GetRole"),
        (
            "monitoring",
            "/service/GraniteServiceVersion20100801/operation/PutMetricAlarm",
            "",
            b"\xbf\xff",
            "PutMetricAlarm",
        ),
        ("logs", "/", "Logs_20140328.PutLogEvents", b"{}", None),
        ("sns", "/", "", b"Action=Publish", None),
        ("lambda", "/2015-03-31/functions/", "", b"", None),
        ("localcloud", "/", "LocalCloud.RunRule", b"{}", None),
        (SECRETS, "/", "secretsmanager.MadeUp", b"{}", None),
        (SECRETS, "/", "", b"\xff", None),
    ],
)
def test_management_operations_are_recorded(
    service: str, path: str, target: str, body: bytes, expected: str | None
) -> None:
    assert requests.operation_of(service, path, target, body) == expected


def test_parameters_are_recorded_without_what_is_sensitive() -> None:
    body = {"SecretId": "name", "SecretString": "hidden", "VersionStages": ["AWSCURRENT"]}
    target = "secretsmanager.PutSecretValue"
    recorded = requests.parameters_of(SECRETS, "PutSecretValue", target, json.dumps(body).encode())
    assert recorded == {"secretId": "name", "versionStages": ["AWSCURRENT"]}
    assert requests.resources_of(SECRETS, recorded) == (
        Resource(kind="AWS::SecretsManager::Secret", name="name"),
    )


def test_nested_and_sensitive_parameters_of_other_services() -> None:
    body = {"UserPoolId": "pool", "ClientId": "id", "ClientSecret": "hidden"}
    target = "AWSCognitoIdentityProviderService.AddUserPoolClientSecret"
    recorded = requests.parameters_of(
        "cognito-idp", "AddUserPoolClientSecret", target, json.dumps(body).encode()
    )
    assert recorded is not None
    assert "hidden" not in json.dumps(recorded)
    assert recorded["userPoolId"] == "pool"
    form = b"Action=GetRole&RoleName=x&Version=2010-05-08"
    assert requests.parameters_of("iam", "GetRole", "", form) == {"roleName": "x"}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"__type": "not an error"}', None),
        (400, b'{"__type": "ResourceNotFoundException"}', "ResourceNotFoundException"),
        (400, b'{"__type": "com.amazonaws#Throttling"}', "Throttling"),
        (404, b"<Error><Code>NoSuchEntity</Code></Error>", "NoSuchEntity"),
        (500, b"", None),
    ],
)
def test_error_codes_are_read_from_responses(
    status: int, body: bytes, expected: str | None
) -> None:
    assert requests.error_of(status, body) == expected


def test_a_session_is_described_with_its_role() -> None:
    identity = Identity(
        kind="AssumedRole",
        arn="arn:aws:sts::000000000000:assumed-role/reader/function",
        id="reader:function",
        account="000000000000",
    )
    described = identity.described("ASIA")
    assert identity.name == "function"
    assert described["sessionContext"]["sessionIssuer"]["arn"] == (
        "arn:aws:iam::000000000000:role/reader"
    )
