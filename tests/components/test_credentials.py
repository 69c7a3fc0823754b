import json
from typing import Any

import pulumi
import pytest

from components.context import StackContext
from components.credentials import ClientCredentials, ClientCredentialsArgs
from components.identity import AppClient
from tests.components.conftest import MakeContext
from tests.components.mocks import ACCOUNT, REGION, Result, run_program

SECRET = "aws:secretsmanager/secret:Secret"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"


def declare(context: StackContext) -> Result:
    def program() -> dict[str, Any]:
        clients = {
            name: AppClient(
                client_id=pulumi.Output.from_input(f"id-{name}"),
                client_secret=pulumi.Output.secret(f"secret-{name}"),
                scopes=("neo4j-mcp/reader",),
            )
            for name in ("agent", "loader")
        }
        credentials = ClientCredentials(
            "credentials",
            ClientCredentialsArgs(
                context=context,
                clients=clients,
                token_url="https://auth.example/oauth2/token",
                mcp_url="https://mcp.example/mcp",
            ),
        )
        return dict(credentials.secret_arns)

    return run_program(program)


def test_each_client_has_its_own_secret_with_all_it_needs(make_context: MakeContext) -> None:
    result = declare(make_context())

    assert {each.inputs["name"] for each in result.of_type(SECRET)} == {
        "neo4j-mcp-dev-agent-credentials-k3x9q2ab",
        "neo4j-mcp-dev-loader-credentials-k3x9q2ab",
    }
    version = result.one(VERSION, "agent")
    assert json.loads(version.inputs["secretString"]) == {
        "clientId": "id-agent",
        "clientSecret": "secret-agent",
        "tokenUrl": "https://auth.example/oauth2/token",
        "scopes": ["neo4j-mcp/reader"],
        "mcpUrl": "https://mcp.example/mcp",
    }
    assert version.inputs["secretId"] == "credentials-agent-id"


def test_the_secrets_value_is_a_secret_in_the_state_and_its_arn_is_not(
    make_context: MakeContext,
) -> None:
    result = declare(make_context())

    for version in result.of_type(VERSION):
        assert version.secret_inputs == {"secretString"}
    assert result.secret_outputs == frozenset()
    assert result.outputs["agent"] == (
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:neo4j-mcp-dev-agent-credentials-k3x9q2ab"
    )


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
    assert not any(version.protect for version in result.of_type(VERSION))
