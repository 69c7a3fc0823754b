"""The canary: its client, what its role allows, and what runs it."""

import json
from typing import Any

import pulumi_aws as aws
import pytest

from components.aura import audience
from components.configuration import ConfigurationError
from components.context import StackContext
from components.identity import Identity
from components.monitoring.canary import Canary, CanaryArgs
from components.monitoring.canary_schedule import schedule
from tests.components.conftest import MakeContext, MakeSettings
from tests.components.mocks import ACCOUNT, REGION, Result, run_program

ON: dict[str, Any] = {"enabled": True}
SECRET = (
    f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:neo4j-mcp-dev-canary-credentials-k3x9q2ab-x"
)
LOG = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/neo4j-mcp-dev-canary-k3x9q2ab:*"
_ADMIN = {"description": "Do everything", "role": "admin"}


def declare(context: StackContext, *, minutes: int = 5) -> Result:
    def program() -> dict[str, Any]:
        ready = aws.secretsmanager.Secret("published", name="published")
        canary = Canary(
            "canary",
            CanaryArgs(context=context, secret_arn=SECRET, minutes=minutes, ready=[ready]),
        )
        return {"name": canary.name, "logGroup": canary.log_group, "dimensions": canary.dimensions}

    return run_program(program)


def problem(make_settings: MakeSettings, **values: Any) -> tuple[str, str, tuple[str, ...]]:  # noqa: ANN401  any configured value
    with pytest.raises(ConfigurationError) as caught:
        make_settings(**values)
    (found,) = caught.value.problems
    return found.key, found.message, found.commands


def test_without_monitoring_a_stack_has_the_configured_clients_only(
    make_settings: MakeSettings,
) -> None:
    assert list(make_settings().all_clients) == ["agent", "loader"]


def test_with_monitoring_the_canary_is_a_client_like_any_other(make_settings: MakeSettings) -> None:
    settings = make_settings(monitoring=ON, rotationDays=7, overlapHours=1)

    assert set(settings.all_clients) == {"agent", "loader", "canary"}
    assert settings.all_clients["canary"].scopes == ("reader",)
    rotation = settings.rotation("canary")
    assert (rotation.days, rotation.overlap_hours) == (7, 1)
    ids = {name: f"id-of-{name}" for name in settings.all_clients}
    assert "id-of-canary" in audience(ids, settings.all_clients)


def test_the_canary_has_the_first_scope_that_only_reads(make_settings: MakeSettings) -> None:
    scopes = {
        "admin": _ADMIN,
        "read-all": {"description": "Read the graph", "role": "reader"},
        "reader": {"description": "Read the graph", "role": "reader"},
    }
    clients = {"agent": {"scopes": ["admin"]}}

    settings = make_settings(monitoring=ON, scopes=scopes, clients=clients)
    assert settings.all_clients["canary"].scopes == ("read-all",)

    chosen = {**ON, "canaryScope": "admin"}
    settings = make_settings(monitoring=chosen, scopes=scopes, clients=clients)
    assert settings.all_clients["canary"].scopes == ("admin",)


def test_without_a_scope_that_only_reads_one_has_to_be_chosen(make_settings: MakeSettings) -> None:
    values = {"scopes": {"admin": _ADMIN}, "clients": {"agent": {"scopes": ["admin"]}}}

    key, message, commands = problem(make_settings, monitoring=ON, **values)

    assert key == "neo4j-mcp:monitoring.canaryScope"
    assert "no scope has the role reader" in message
    assert commands == ("pulumi config set --path neo4j-mcp:monitoring.canaryScope '<scope>'",)
    # Without the canary, nothing has to be chosen.
    assert make_settings(**values).all_clients


def test_the_chosen_scope_has_to_exist(make_settings: MakeSettings) -> None:
    key, message, commands = problem(make_settings, monitoring={**ON, "canaryScope": "reeder"})

    assert key == "neo4j-mcp:monitoring.canaryScope"
    assert message == "must be a scope of the stack: reader, writer"
    assert commands == ("pulumi config set --path neo4j-mcp:monitoring.canaryScope reader",)


def test_the_canarys_name_is_reserved_with_monitoring(make_settings: MakeSettings) -> None:
    clients = {"canary": {"scopes": ["writer"]}}

    key, message, commands = problem(make_settings, monitoring=ON, clients=clients)

    assert key == "neo4j-mcp:clients.canary"
    assert "the program adds this client itself" in message
    assert commands == ("pulumi config rm --path neo4j-mcp:clients.canary",)
    assert make_settings(clients=clients).all_clients["canary"].scopes == ("writer",)


def test_the_canarys_secret_counts_for_the_rotation_functions_limit(
    make_settings: MakeSettings,
) -> None:
    clients = {f"agent-{number:02}": {"scopes": ["reader"]} for number in range(99)}
    with pytest.raises(ConfigurationError) as caught:
        make_settings(clients=clients)
    without = {each.key for each in caught.value.problems}

    with pytest.raises(ConfigurationError) as caught:
        make_settings(clients=clients, monitoring=ON)
    with_canary = {each.key for each in caught.value.problems}

    assert len(with_canary) == len(without) + 1
    # The canary isn't in the configuration, so nobody could remove it there.
    assert "neo4j-mcp:clients.canary" not in with_canary


@pytest.mark.parametrize("monitored", [True, False])
def test_its_app_client_exists_only_with_monitoring(
    make_context: MakeContext, monitored: bool
) -> None:
    def program() -> dict[str, Any]:
        Identity("identity", make_context(monitoring={"enabled": monitored}))
        return {}

    clients = run_program(program).of_type("aws:cognito/userPoolClient:UserPoolClient")

    names = {each.inputs["name"]: each for each in clients}
    assert ("neo4j-mcp-dev-canary" in names) is monitored
    if monitored:
        canary = names["neo4j-mcp-dev-canary"].inputs
        assert canary["allowedOauthScopes"] == ["neo4j-mcp/reader"]
        assert canary["allowedOauthFlows"] == ["client_credentials"]


def test_the_role_may_read_its_own_secret_and_write_its_own_metrics(
    make_context: MakeContext,
) -> None:
    policies = declare(make_context()).of_type("aws:iam/rolePolicy:RolePolicy")

    statements = [each for policy in policies for each in _statements(policy.inputs["policy"])]
    assert sorted(statements, key=str) == sorted(
        [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": LOG,
            },
            {
                "Effect": "Allow",
                "Action": ["secretsmanager:GetSecretValue"],
                "Resource": SECRET,
            },
            {
                "Effect": "Allow",
                "Action": ["cloudwatch:PutMetricData"],
                "Resource": "*",
                "Condition": {"StringEquals": {"cloudwatch:namespace": "Neo4jMcp"}},
            },
        ],
        key=str,
    )


def test_it_runs_in_no_vpc_with_its_secret(make_context: MakeContext) -> None:
    result = declare(make_context())

    function = result.one("aws:lambda/function:Function")
    assert function.inputs["name"] == "neo4j-mcp-dev-canary"
    assert "vpcConfig" not in function.inputs
    variables = {"CREDENTIALS_ARN": SECRET, "SERVICE_NAME": "neo4j-mcp-dev"}
    assert function.inputs["environment"]["variables"] == variables
    assert result.outputs["dimensions"] == {"Service": "neo4j-mcp-dev"}
    assert result.outputs["logGroup"] == "/aws/lambda/neo4j-mcp-dev-canary-k3x9q2ab"


def test_the_rule_runs_it_once_its_secret_has_a_value(make_context: MakeContext) -> None:
    result = declare(make_context(), minutes=10)

    rule = result.one("aws:cloudwatch/eventRule:EventRule")
    permission = result.one("aws:lambda/permission:Permission")
    target = result.one("aws:cloudwatch/eventTarget:EventTarget")
    assert rule.inputs["scheduleExpression"] == "rate(10 minutes)"
    assert (
        permission.inputs["sourceArn"]
        == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule.inputs['name']}"
    )
    assert target.inputs["arn"].endswith(":function:neo4j-mcp-dev-canary")
    published = result.one("aws:secretsmanager/secret:Secret")
    assert {permission.urn, published.urn} <= target.dependencies


@pytest.mark.parametrize(("minutes", "expression"), [(1, "rate(1 minute)"), (2, "rate(2 minutes)")])
def test_a_schedule_of_one_minute_is_in_the_singular(minutes: int, expression: str) -> None:
    assert schedule(minutes) == expression


def _statements(policy: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(policy)["Statement"]
    return found
