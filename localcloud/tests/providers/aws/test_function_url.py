import json
from typing import Any

import pytest

from localcloud.providers.aws.clients import AwsError
from localcloud.providers.aws.lambda_ import FunctionUrl, Permission
from localcloud.providers.schema import InitializationError
from localcloud.providers.values import Values
from providers.aws.fake import create_request, fake, not_found, resource_request

_INPUTS: Values = {
    "functionName": "server",
    "authorizationType": "NONE",
    "invokeMode": "BUFFERED",
}
_CONFIG = {
    "FunctionUrl": "https://abc.lambda-url.us-east-1.on.aws/",
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:server",
    "AuthType": "NONE",
    "InvokeMode": "BUFFERED",
}


def test_a_public_url_gets_both_permissions_and_keeps_them() -> None:
    aws = fake(CreateFunctionUrlConfig=[_CONFIG], AddPermission=[{}], DeleteFunctionUrlConfig=[{}])

    created = FunctionUrl().create(create_request(aws, _INPUTS))
    FunctionUrl().delete(resource_request(aws, created.id, {}))

    assert created.id == "server"
    first, second = aws.called("AddPermission")
    assert (first["Action"], first["FunctionUrlAuthType"]) == ("lambda:InvokeFunctionUrl", "NONE")
    assert (second["Action"], second["InvokedViaFunctionUrl"]) == ("lambda:InvokeFunction", True)
    assert {first["Principal"], second["Principal"]} == {"*"}
    assert [name for name, _ in aws.calls][-1] == "DeleteFunctionUrlConfig"


def test_permissions_that_an_earlier_url_left_are_no_problem() -> None:
    left = AwsError("AddPermission", "ResourceConflictException", "it exists")
    aws = fake(CreateFunctionUrlConfig=[_CONFIG], AddPermission=[left])

    assert FunctionUrl().create(create_request(aws, _INPUTS)).id == "server"


def test_a_url_without_its_permissions_is_kept_and_reported() -> None:
    refused = AwsError("AddPermission", "AccessDeniedException", "not you")
    aws = fake(CreateFunctionUrlConfig=[_CONFIG], AddPermission=[refused])

    with pytest.raises(InitializationError, match="not you"):
        FunctionUrl().create(create_request(aws, _INPUTS))


def test_a_private_url_gets_no_permissions() -> None:
    aws = fake(CreateFunctionUrlConfig=[{**_CONFIG, "AuthType": "AWS_IAM"}])

    FunctionUrl().create(create_request(aws, {**_INPUTS, "authorizationType": "AWS_IAM"}))

    assert aws.called("AddPermission") == []


def test_a_url_is_read_with_what_follows_from_it() -> None:
    found = FunctionUrl().read(resource_request(fake(GetFunctionUrlConfig=[_CONFIG]), "server", {}))

    assert found is not None
    assert found["functionName"] == "server"
    assert found["functionUrl"] == _CONFIG["FunctionUrl"]
    assert found["urlId"] == "abc"
    gone = fake(GetFunctionUrlConfig=[not_found("GetFunctionUrlConfig")])
    assert FunctionUrl().read(resource_request(gone, "server", {})) is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
            {"functionUrlAuthType": "NONE"},
        ),
        ({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}, {"invokedViaFunctionUrl": True}),
    ],
)
def test_a_permission_of_a_url_is_read_with_its_condition(
    condition: dict[str, Any], expected: dict[str, Any]
) -> None:
    statement = {
        "Sid": "url",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "lambda:InvokeFunction",
        "Condition": condition,
    }
    aws = fake(GetPolicy=[{"Policy": json.dumps({"Statement": [statement]})}])

    found = Permission().read(resource_request(aws, "url", {"function": "server"}))

    assert found is not None
    assert expected.items() <= found.items()
    assert found["principal"] == "*"
