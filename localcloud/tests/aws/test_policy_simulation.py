"""IAM's policy simulator, by boto3: in this process, and once at the endpoint."""

import asyncio
import io
import json
import uuid
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from starlette.types import Receive, Scope, Send

from aws.conftest import AwsEndpoint
from localcloud.aws import asgi
from localcloud.aws.iam.app import IamApp
from localcloud.aws.iam.roles import Roles
from localcloud.aws.iam.simulation import simulate

_ACCOUNT = "000000000000"
_ROLE = f"arn:aws:iam::{_ACCOUNT}:role/simulated"
_SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:reader-a1B2c3"
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": _SECRET},
        {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": {"StringEquals": {"cloudwatch:namespace": "Neo4jMcp"}},
        },
        {"Effect": "Deny", "Action": "sts:*", "Resource": "*"},
    ],
}


class _Iam:
    """Keeps one role, as ministack does."""

    def __init__(self) -> None:
        self._roles = self

    def get_scoped(self, _account: str, _region: None, name: str) -> dict[str, Any] | None:
        return {"InlinePolicies": {"all": _POLICY}} if name == "simulated" else None


async def _ministack(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("a simulation reached ministack")


def _sent_to(app: IamApp) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    """Return a client whose requests reach an application of this process."""

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:  # noqa: ANN401 - botocore's event
        body = request.body if isinstance(request.body, bytes) else str(request.body).encode()
        response = asyncio.run(asgi.call(app, asgi.post_scope({}), body))
        raw = io.BytesIO(bytes(response.body))
        raw.stream = lambda **_: iter([raw.read()])  # type: ignore[attr-defined] # as urllib3's
        headers = HTTPHeaders()
        for name, value in response.headers.items():
            headers.add_header(name, value)
        return AWSResponse(request.url, response.status_code, headers, raw)

    client = boto3.client(
        "iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    client.meta.events.register("before-send.iam", send)
    return client


@pytest.fixture
def iam() -> Any:  # noqa: ANN401 - the same
    return _sent_to(IamApp(_ministack, Roles(_Iam(), None, _ACCOUNT)))


def _decisions(iam: Any, role: str, *actions: str, **more: Any) -> dict[str, str]:  # noqa: ANN401 - boto3's
    found = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=[*actions], **more)
    return {each["EvalActionName"]: each["EvalDecision"] for each in found["EvaluationResults"]}


def test_decisions_are_those_of_the_roles_policies(iam: Any) -> None:  # noqa: ANN401 - the same
    read, write = "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"
    assert _decisions(iam, _ROLE, read, write, ResourceArns=[_SECRET]) == {
        read: "allowed",
        write: "implicitDeny",
    }
    assert _decisions(iam, _ROLE, read, ResourceArns=[f"{_SECRET}-other"]) == {read: "implicitDeny"}
    assert _decisions(iam, _ROLE, "sts:AssumeRole") == {"sts:AssumeRole": "explicitDeny"}


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [("Neo4jMcp", "allowed"), ("AWS/Lambda", "implicitDeny"), (None, "implicitDeny")],
)
def test_conditions_are_compared_with_the_given_keys(
    iam: Any,  # noqa: ANN401 - the same
    namespace: str | None,
    expected: str,
) -> None:
    entry = {
        "ContextKeyName": "cloudwatch:namespace",
        "ContextKeyValues": [namespace],
        "ContextKeyType": "string",
    }
    put = "cloudwatch:PutMetricData"
    found = iam.simulate_principal_policy(
        PolicySourceArn=_ROLE, ActionNames=[put], ContextEntries=[entry] if namespace else []
    )["EvaluationResults"]
    assert found[0]["EvalDecision"] == expected
    missing = [] if namespace else ["cloudwatch:namespace"]
    assert found[0]["MissingContextValues"] == missing


def test_a_denial_with_a_key_that_the_request_lacks_does_not_apply() -> None:
    key = "lambda:SourceFunctionArn"
    denial = {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}
    statements = [
        {"Effect": "Allow", "Action": "ec2:DescribeSubnets", "Resource": "*"},
        denial | {"Condition": {"ArnLike": {key: "arn:aws:lambda:*:*:function:server"}}},
    ]
    function = "arn:aws:lambda:us-east-1:000000000000:function:server"
    entry = {"ContextKeyName": key, "ContextKeyValues": [function], "ContextKeyType": "string"}

    def decision(*entries: dict[str, Any]) -> str:
        parameters = {"ActionNames": ["ec2:DescribeSubnets"], "ContextEntries": [*entries]}
        [found] = simulate(parameters, [{"Statement": statements}])["EvaluationResults"]
        return str(found["EvalDecision"])

    assert (decision(), decision(entry)) == ("allowed", "explicitDeny")


def test_a_role_that_does_not_exist_is_not_found(iam: Any) -> None:  # noqa: ANN401 - the same
    with pytest.raises(ClientError, match="cannot be found") as caught:
        _decisions(iam, f"{_ROLE}-gone", "sts:AssumeRole")
    assert caught.value.response["Error"]["Code"] == "NoSuchEntity"


def test_what_is_not_evaluated_is_refused_by_name(iam: Any) -> None:  # noqa: ANN401 - the same
    refused: dict[str, dict[str, Any]] = {
        "no PolicyInputList": {"PolicyInputList": [json.dumps(_POLICY)]},
        "one resource in a request": {"ResourceArns": [_SECRET, "*"]},
        "types of condition keys": {
            "ContextEntries": [
                {
                    "ContextKeyName": "aws:SourceIp",
                    "ContextKeyValues": ["10.0.0.1"],
                    "ContextKeyType": "ip",
                }
            ]
        },
    }
    for message, parameters in refused.items():
        with pytest.raises(ClientError, match=message):
            _decisions(iam, _ROLE, "sts:AssumeRole", **parameters)
    with pytest.raises(ClientError, match="not SimulateCustomPolicy"):
        iam.simulate_custom_policy(PolicyInputList=["{}"], ActionNames=["sts:AssumeRole"])


@pytest.mark.stand_in
def test_the_endpoint_simulates_the_roles_that_it_keeps(endpoint: AwsEndpoint) -> None:
    client = endpoint.client("iam")
    name = f"simulated-{uuid.uuid4().hex[:8]}"
    role: str = client.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    client.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(_POLICY))
    read = "secretsmanager:GetSecretValue"
    assert _decisions(client, role, read, ResourceArns=[_SECRET]) == {read: "allowed"}
    client.delete_role_policy(RoleName=name, PolicyName="all")
    assert _decisions(client, role, read, ResourceArns=[_SECRET]) == {read: "implicitDeny"}
    client.delete_role(RoleName=name)
