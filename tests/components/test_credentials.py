import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from components.context import StackContext
from components.credentials import ClientCredentials, ClientCredentialsArgs
from components.identity import AppClient, UserPool
from tests.components.conftest import MakeContext
from tests.components.mocks import ACCOUNT, POOL_ID, REGION, Result, run_program

SECRET = "aws:secretsmanager/secret:Secret"
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"
INVOCATION = "aws:lambda/invocation:Invocation"
FUNCTION = "aws:lambda/function:Function"
PERMISSION = "aws:lambda/permission:Permission"
RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ROLE = "aws:iam/role:Role"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:neo4j-mcp-dev-rotation"
POOL_ARN = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{POOL_ID}"


def secret_arn(client: str) -> str:
    name = f"neo4j-mcp-dev-{client}-credentials-k3x9q2ab"
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}"


def declare(context: StackContext, mcp_url: str = "https://mcp.example/mcp") -> Result:
    def program() -> dict[str, Any]:
        clients = {
            name: AppClient(
                client_id=pulumi.Output.from_input(f"id-{name}"), scopes=("neo4j-mcp/reader",)
            )
            for name in context.settings.clients
        }
        pool = UserPool(
            id=pulumi.Output.from_input(POOL_ID), arn=pulumi.Output.from_input(POOL_ARN)
        )
        credentials = ClientCredentials(
            "credentials",
            ClientCredentialsArgs(
                context=context,
                user_pool=pool,
                clients=clients,
                token_url="https://auth.example/oauth2/token",
                mcp_url=mcp_url,
            ),
        )
        return {**credentials.secret_arns, "function": credentials.rotation_function}

    return run_program(program)


def published(result: Result, client: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(result.one(INVOCATION, client).inputs["input"])
    return event


def test_each_client_has_its_own_secret(make_context: MakeContext) -> None:
    result = declare(make_context())

    assert {each.inputs["name"] for each in result.of_type(SECRET)} == {
        "neo4j-mcp-dev-agent-credentials-k3x9q2ab",
        "neo4j-mcp-dev-loader-credentials-k3x9q2ab",
    }
    assert result.outputs["agent"] == secret_arn("agent")
    assert result.outputs["function"] == "neo4j-mcp-dev-rotation"
    assert result.secret_outputs == frozenset()


def test_the_function_is_given_all_that_a_caller_needs_but_the_secret(
    make_context: MakeContext,
) -> None:
    result = declare(make_context())

    assert published(result, "agent") == {
        "publish": secret_arn("agent"),
        "clientId": "id-agent",
        "tokenUrl": "https://auth.example/oauth2/token",
        "mcpUrl": "https://mcp.example/mcp",
        "scopes": ["neo4j-mcp/reader"],
        "enabled": True,
    }
    assert result.one(INVOCATION, "agent").inputs["functionName"] == "neo4j-mcp-dev-rotation"


def test_no_value_of_a_secret_is_a_resource(make_context: MakeContext) -> None:
    # A version in the state would be written over the one that the last rotation made.
    types = {each.type for each in declare(make_context()).registrations}

    assert "aws:secretsmanager/secretVersion:SecretVersion" not in types
    assert all(not each.secret_inputs for each in declare(make_context()).registrations)


def test_a_client_is_published_again_only_if_something_about_it_changes(
    make_context: MakeContext,
) -> None:
    def inputs(result: Result) -> Mapping[str, Mapping[str, Any]]:
        return {each.name: each.inputs for each in result.of_type(INVOCATION)}

    before = declare(make_context())
    others = {"rotationDays": 60, "overlapHours": 1, "logRetentionDays": 7}
    assert inputs(declare(make_context(**others))) == inputs(before)
    moved = declare(make_context(), mcp_url="https://moved.example/mcp")
    assert inputs(moved) != inputs(before)


def test_a_secret_is_rotated_as_configured_and_never_at_once(make_context: MakeContext) -> None:
    clients = {
        "agent": {"scopes": ["reader"], "rotationDays": 7},
        "loader": {"scopes": ["reader"]},
    }
    result = declare(make_context(clients=clients, rotationDays=60))

    days = {
        name: result.one(ROTATION, name).inputs["rotationRules"]["automaticallyAfterDays"]
        for name in clients
    }
    assert days == {"agent": 7, "loader": 60}
    for each in result.of_type(ROTATION):
        assert each.inputs["rotateImmediately"] is False
        assert each.inputs["rotationLambdaArn"] == FUNCTION_ARN
    assert result.one(ROTATION, "agent").inputs["secretId"] == secret_arn("agent")


@pytest.mark.parametrize(
    ("stack", "client", "rotated"),
    [
        (30, {}, True),
        (0, {}, False),
        (0, {"rotationDays": 2, "overlapHours": 0}, True),
        (30, {"rotationDays": 0}, False),
        # A disabled client's new secret couldn't be tested.
        (30, {"enabled": False}, False),
    ],
)
def test_a_client_is_rotated_unless_it_is_disabled_or_never_to_be(
    make_context: MakeContext, stack: int, client: dict[str, Any], rotated: bool
) -> None:
    clients = {"agent": {"scopes": ["reader"], **client}}
    result = declare(make_context(clients=clients, rotationDays=stack))

    assert len(result.of_type(ROTATION)) == rotated
    # It still has its secret, and can be rotated by hand.
    assert len(result.of_type(SECRET)) == len(result.of_type(INVOCATION)) == 1
    assert published(result, "agent")["enabled"] is client.get("enabled", True)


def test_a_rotation_begins_after_the_first_value_and_the_permission(
    make_context: MakeContext,
) -> None:
    result = declare(make_context())

    permission = result.one(PERMISSION, "secrets-manager")
    for client in ("agent", "loader"):
        first = result.one(INVOCATION, client)
        assert {first.urn, permission.urn} <= result.one(ROTATION, client).dependencies
        assert result.one(FUNCTION).urn in first.dependencies


def test_only_secrets_manager_of_this_account_and_the_rule_may_invoke_the_function(
    make_context: MakeContext,
) -> None:
    result = declare(make_context())

    rotation = result.one(PERMISSION, "secrets-manager").inputs
    assert rotation["principal"] == "secretsmanager.amazonaws.com"
    assert rotation["sourceAccount"] == ACCOUNT
    retirement = result.one(PERMISSION, "retirement").inputs
    assert retirement["principal"] == "events.amazonaws.com"
    assert retirement["sourceArn"] == (
        f"arn:aws:events:{REGION}:{ACCOUNT}:rule/neo4j-mcp-dev-retirement"
    )
    for each in (rotation, retirement):
        assert each["action"] == "lambda:InvokeFunction"
        assert each["function"] == "neo4j-mcp-dev-rotation"
    assert rotation["statementId"] != retirement["statementId"]


def test_replaced_secrets_are_deleted_within_an_hour_of_their_overlap(
    make_context: MakeContext,
) -> None:
    clients = {
        "agent": {"scopes": ["reader"], "overlapHours": 3},
        # Rotated by hand only, or disabled: its replaced secret ends too.
        "loader": {"scopes": ["reader"], "rotationDays": 0, "enabled": False},
    }
    result = declare(make_context(clients=clients))

    rule, target = result.one(RULE), result.one(TARGET)
    assert rule.inputs["scheduleExpression"] == "rate(1 hour)"
    assert rule.inputs["state"] == "ENABLED"
    assert target.inputs["rule"] == rule.inputs["name"] == "neo4j-mcp-dev-retirement"
    assert target.inputs["arn"] == FUNCTION_ARN
    assert json.loads(target.inputs["input"]) == {
        "retire": [
            {"secret": secret_arn("agent"), "overlapHours": 3},
            {"secret": secret_arn("loader"), "overlapHours": 24},
        ]
    }


def test_the_function_runs_until_cognito_has_accepted_a_secret(make_context: MakeContext) -> None:
    function = declare(make_context()).one(FUNCTION).inputs

    assert function["handler"] == "functions.rotation.handler.handle"
    assert function["environment"] == {"variables": {"USER_POOL_ID": POOL_ID}}
    assert function["runtime"] == "python3.13"
    assert function["architectures"] == ["arm64"]
    assert function["timeout"] == 300


def test_the_functions_log_is_its_own_and_goes_with_the_stack(make_context: MakeContext) -> None:
    result = declare(make_context(logRetentionDays="7", retainClaimsLog="true"))

    log_group = result.one(LOG_GROUP)
    assert log_group.inputs["name"] == "/aws/lambda/neo4j-mcp-dev-rotation-k3x9q2ab"
    assert log_group.inputs["retentionInDays"] == 7
    assert not log_group.retain_on_delete
    assert result.one(FUNCTION).inputs["loggingConfig"]["logGroup"] == log_group.inputs["name"]


def test_the_function_exists_after_all_that_its_role_allows(make_context: MakeContext) -> None:
    result = declare(make_context())

    policies = result.of_type("aws:iam/rolePolicy:RolePolicy")
    assert {each.urn for each in policies} <= result.one(FUNCTION).dependencies


@pytest.mark.parametrize("days", [0, 7, 30])
@pytest.mark.parametrize("protected", ["true", "false"])
def test_the_recovery_window_does_not_depend_on_protection(
    make_context: MakeContext,
    protected: str,
    days: int,
) -> None:
    context = make_context(deletionProtection=protected, secretRecoveryDays=days)
    result = declare(context)

    for secret in result.of_type(SECRET):
        assert secret.inputs["recoveryWindowInDays"] == days
        assert secret.protect is (protected == "true")
    for each in (*result.of_type(INVOCATION), *result.of_type(ROTATION)):
        assert not each.protect
