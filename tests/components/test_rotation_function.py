"""The rotation function's role: what the code calls, on these resources, and nothing else."""

import ast
import itertools
import json
from pathlib import Path
from typing import Any

import botocore.session
import pulumi
import pytest
from botocore import xform_name

from components.context import StackContext
from components.identity import UserPool
from components.rotation_function import RotationFunction, RotationFunctionArgs
from tests.components.conftest import MakeContext
from tests.components.mocks import ACCOUNT, POOL_ID, REGION, Result, run_program

SOURCES = sorted((Path(__file__).resolve().parents[2] / "functions" / "rotation").glob("*.py"))
POOL = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{POOL_ID}"
SECRETS = tuple(
    f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:neo4j-mcp-dev-{name}-credentials-k3x9q2ab-x"
    for name in ("agent", "loader")
)
LOG = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/neo4j-mcp-dev-rotation-k3x9q2ab:*"


def declare(context: StackContext) -> Result:
    def program() -> dict[str, Any]:
        pool = UserPool(id=pulumi.Output.from_input(POOL_ID), arn=pulumi.Output.from_input(POOL))
        RotationFunction(
            "rotation",
            RotationFunctionArgs(
                context=context,
                user_pool=pool,
                secret_arns=dict(
                    zip(("agent", "loader"), map(pulumi.Output.from_input, SECRETS), strict=True)
                ),
            ),
        )
        return {}

    return run_program(program)


@pytest.fixture
def allowed(make_context: MakeContext) -> set[tuple[str, str]]:
    """Return every action that the role allows, with each of its resources."""
    pairs: set[tuple[str, str]] = set()
    for policy in declare(make_context()).of_type("aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(policy.inputs["policy"])["Statement"]:
            assert statement["Effect"] == "Allow"
            assert statement.keys() == {"Effect", "Action", "Resource"}
            resources = statement["Resource"]
            listed = [resources] if isinstance(resources, str) else resources
            pairs |= set(itertools.product(statement["Action"], listed))
    return pairs


def operations(service: str) -> dict[str, str]:
    """Return a service's operations by the names of boto3's methods."""
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


def called(service: str) -> set[str]:
    """Return the IAM actions of the methods of boto3 that the function's code refers to."""
    known = operations(service)
    return {
        f"{service}:{known[node.attr]}"
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in known
    }


def test_the_role_allows_what_the_code_calls_on_these_secrets_and_this_pool(
    allowed: set[tuple[str, str]],
) -> None:
    calls = called("secretsmanager"), called("cognito-idp")
    assert all(calls)

    assert allowed == {
        *itertools.product(calls[0], SECRETS),
        *itertools.product(calls[1], [POOL]),
        ("logs:CreateLogStream", LOG),
        ("logs:PutLogEvents", LOG),
    }


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("secretsmanager:GetSecretValue", SECRETS[0].replace("agent", "other")),
        ("secretsmanager:GetSecretValue", "*"),
        ("secretsmanager:DeleteSecret", SECRETS[0]),
        ("secretsmanager:PutResourcePolicy", SECRETS[0]),
        ("cognito-idp:AddUserPoolClientSecret", POOL.replace(POOL_ID, f"{REGION}_Another01")),
        # Another scope or flow would be another client's rights.
        ("cognito-idp:UpdateUserPoolClient", POOL),
        ("cognito-idp:CreateUserPoolClient", POOL),
        ("cognito-idp:UpdateUserPool", POOL),
        ("lambda:UpdateFunctionCode", "*"),
        ("iam:PassRole", "*"),
    ],
)
def test_the_role_allows_nothing_that_would_widen_its_power(
    allowed: set[tuple[str, str]], action: str, resource: str
) -> None:
    assert (action, resource) not in allowed


def test_only_lambda_can_assume_the_role(make_context: MakeContext) -> None:
    role = declare(make_context()).one("aws:iam/role:Role")

    (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert role.inputs["name"] == "neo4j-mcp-dev-rotation"


@pytest.mark.parametrize("protected", [True, False])
def test_the_permissions_to_invoke_it_are_protected_as_configured(
    make_context: MakeContext, protected: bool
) -> None:
    result = declare(make_context(deletionProtection=str(protected).lower()))

    permissions = result.of_type("aws:lambda/permission:Permission")
    assert [each.protect for each in permissions] == [protected] * 2
