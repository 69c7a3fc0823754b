"""The packaged function in Lambda's runtime, with the stand-in's Cognito and Secrets Manager."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests

from components.function_code import ROTATION_HANDLER, rotation_package
from localcloud.cloud import Cloud
from tests.stand_in import Aws
from tests.waiting import wait_until

pytestmark = pytest.mark.stand_in

_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
_RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["secretsmanager:*", "cognito-idp:*"], "Resource": "*"}
    ],
}


class FunctionError(Exception):
    """The function has failed; the message is its own."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """One client with its secret, and the function."""

    running: Cloud
    aws: Aws
    function: str
    function_arn: str
    pool: str
    secret: str

    def invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        answer = self.aws("lambda").invoke(FunctionName=self.function, Payload=json.dumps(event))
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise FunctionError(payload["errorMessage"])
        return payload

    def create_app_client(self) -> dict[str, Any]:
        created: dict[str, Any] = self.aws("cognito-idp").create_user_pool_client(
            UserPoolId=self.pool,
            ClientName="caller",
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=["graph/reader"],
        )["UserPoolClient"]
        return created

    def publish(self, client_id: str, path: str = "/mcp") -> dict[str, Any]:
        return self.invoke(
            {
                "publish": self.secret,
                "clientId": client_id,
                "tokenUrl": f"{self.running.aws_endpoint}/oauth2/token",
                "mcpUrl": f"https://mcp.example{path}",
                "scopes": ["graph/reader"],
                "enabled": True,
            }
        )

    def retire(self, overlap_hours: int) -> dict[str, Any]:
        event = {"retire": [{"secret": self.secret, "overlapHours": overlap_hours}]}
        result: dict[str, Any] = self.invoke(event)["results"][0]
        return result

    @property
    def current(self) -> dict[str, Any]:
        text = self.aws("secretsmanager").get_secret_value(SecretId=self.secret)["SecretString"]
        value: dict[str, Any] = json.loads(text)
        return value

    def accepts(self, client_id: str, client_secret: str) -> bool:
        """Request a token, which is issued or refused for the client secret."""
        answer = requests.post(
            f"{self.running.aws_endpoint}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(client_id, client_secret),
            timeout=30,
        )
        if answer.status_code == 200:
            return True
        assert answer.json()["error"] == "invalid_client", answer.text
        return False

    def require_current_only(self, *ended: str) -> None:
        value = self.current
        assert self.accepts(value["clientId"], value["clientSecret"])
        assert not [each for each in ended if self.accepts(value["clientId"], each)]
        known = self.aws("cognito-idp").list_user_pool_client_secrets(
            UserPoolId=self.pool, ClientId=value["clientId"]
        )["ClientSecrets"]
        labels = self.labels("AWSCURRENT")
        assert [f"cognito:{each['ClientSecretId']}" for each in known] == [
            each for each in labels if each.startswith("cognito:")
        ]

    def labels(self, stage: str) -> list[str]:
        """Return all labels of the version that has one."""
        found = self.aws("secretsmanager").describe_secret(SecretId=self.secret)
        return next((each for each in found["VersionIdsToStages"].values() if stage in each), [])


@pytest.fixture(scope="module")
def function(aws: Aws) -> Iterator[tuple[str, str, str]]:
    """The function, its ARN and its user pool."""
    name = f"rotation-{uuid.uuid4().hex[:8]}"
    pool = aws("cognito-idp").create_user_pool(PoolName=name)["UserPool"]["Id"]
    aws("cognito-idp").create_resource_server(
        UserPoolId=pool,
        Identifier="graph",
        Name="graph",
        Scopes=[{"ScopeName": "reader", "ScopeDescription": "Reads"}],
    )
    role = aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(_TRUST))
    aws("iam").put_role_policy(
        RoleName=name, PolicyName="rights", PolicyDocument=json.dumps(_RIGHTS)
    )
    created = aws("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Architectures=["arm64"],
        Role=role["Role"]["Arn"],
        Handler=ROTATION_HANDLER,
        Code={"ZipFile": rotation_package()},
        Environment={"Variables": {"USER_POOL_ID": pool}},
        Timeout=300,
    )
    aws("lambda").get_waiter("function_active_v2").wait(FunctionName=name)
    aws("lambda").add_permission(
        FunctionName=name,
        StatementId="AllowSecretsManager",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
    )
    yield name, created["FunctionArn"], pool
    aws("lambda").delete_function(FunctionName=name)
    aws("iam").delete_role_policy(RoleName=name, PolicyName="rights")
    aws("iam").delete_role(RoleName=name)
    aws("cognito-idp").delete_user_pool(UserPoolId=pool)


@pytest.fixture
def deployed(aws: Aws, running: Cloud, function: tuple[str, str, str]) -> Iterator[Deployed]:
    secret = aws("secretsmanager").create_secret(Name=f"rotation-{uuid.uuid4().hex[:8]}")["ARN"]
    yield Deployed(
        running=running,
        aws=aws,
        function=function[0],
        function_arn=function[1],
        pool=function[2],
        secret=secret,
    )
    aws("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)


def test_a_client_secret_from_its_publication_to_its_revocation(deployed: Deployed) -> None:
    app_client = deployed.create_app_client()
    client_id = app_client["ClientId"]

    assert deployed.publish(client_id)["tested"] is True
    first = deployed.current["clientSecret"]
    deployed.require_current_only(app_client["ClientSecret"])

    deployed.publish(client_id, "/moved")
    assert deployed.current["mcpUrl"] == "https://mcp.example/moved"
    assert deployed.current["clientSecret"] == first

    deployed.invoke({"rotate": deployed.secret})
    second = deployed.current["clientSecret"]
    assert deployed.accepts(client_id, first)
    assert deployed.retire(24)["deleted"] == []
    assert len(deployed.retire(0)["deleted"]) == 1
    deployed.require_current_only(first)

    deployed.invoke({"rotate": deployed.secret})
    third = deployed.current["clientSecret"]
    assert len(deployed.invoke({"revoke": deployed.secret})["deleted"]) == 2
    deployed.require_current_only(first, second, third)


def test_secrets_manager_rotates_by_the_function(deployed: Deployed) -> None:
    client_id = deployed.create_app_client()["ClientId"]
    deployed.publish(client_id)
    first = deployed.current["clientSecret"]
    manager = deployed.aws("secretsmanager")
    rules = {"AutomaticallyAfterDays": 30}

    manager.rotate_secret(
        SecretId=deployed.secret,
        RotationLambdaARN=deployed.function_arn,
        RotationRules=rules,
        RotateImmediately=False,
    )
    wait_until(lambda: not deployed.labels("AWSPENDING"), "the test of the function ends")
    assert deployed.current["clientSecret"] == first

    version = manager.rotate_secret(SecretId=deployed.secret)["VersionId"]
    wait_until(
        lambda: deployed.current["clientSecret"] != first and not deployed.labels("AWSPENDING"),
        "the rotation ends",
    )

    current = manager.get_secret_value(SecretId=deployed.secret)
    assert current["VersionId"] == version
    assert deployed.accepts(client_id, first)
    with pytest.raises(FunctionError, match="is still valid, and Cognito allows no third one"):
        deployed.invoke({"rotate": deployed.secret})
    deployed.retire(0)
    deployed.require_current_only(first)


def test_a_new_client_secret_becomes_current_only_when_it_is_accepted(
    deployed: Deployed,
) -> None:
    client_id = deployed.create_app_client()["ClientId"]
    deployed.publish(client_id)
    first = deployed.current["clientSecret"]
    delay = timedelta(seconds=4)
    control = deployed.running.control()
    control.call("SetClientSecretDelay", Seconds=delay.total_seconds())
    try:
        started = time.monotonic()
        deployed.invoke({"rotate": deployed.secret})
        took = time.monotonic() - started
        value = deployed.current
        accepted = deployed.accepts(client_id, value["clientSecret"])
    finally:
        control.call("SetClientSecretDelay", Seconds=0)

    assert accepted
    assert value["clientSecret"] != first
    assert took >= delay.total_seconds()


def test_a_stack_of_an_earlier_version_moves(deployed: Deployed) -> None:
    app_client = deployed.create_app_client()
    client_id, original = app_client["ClientId"], app_client["ClientSecret"]
    value = {
        "clientId": client_id,
        "clientSecret": original,
        "tokenUrl": f"{deployed.running.aws_endpoint}/oauth2/token",
        "scopes": ["graph/reader"],
        "mcpUrl": "https://mcp.example/mcp",
    }
    deployed.aws("secretsmanager").put_secret_value(
        SecretId=deployed.secret, SecretString=json.dumps(value)
    )

    deployed.publish(client_id)

    assert deployed.current == value | {"clientSecret": deployed.current["clientSecret"]}
    assert deployed.current["clientSecret"] != original
    assert deployed.labels("AWSPREVIOUS") == ["AWSPREVIOUS"]
    assert deployed.accepts(client_id, original)
    deployed.retire(0)
    deployed.require_current_only(original)


def test_a_failure_reaches_the_caller_by_name(deployed: Deployed) -> None:
    with pytest.raises(FunctionError, match="app client absent doesn't exist"):
        deployed.publish("absent")
