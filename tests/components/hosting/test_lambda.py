import json
from pathlib import Path
from typing import Any

import pytest

from components.context import StackContext
from components.hosting.environment import server_environment
from components.hosting.lambda_.component import LambdaHost, LambdaHostArgs
from components.hosting.lambda_.definition import FUNCTION_SECONDS, LAMBDA
from components.hosting.lambda_.package import ServerPackage
from functions.server import handler
from functions.server.process import ServerSettings
from tests.components.conftest import MakeContext
from tests.components.mocks import ACCOUNT, REGION, Result, run_program
from tests.repository import ROOT

ALIAS = "aws:lambda/alias:Alias"
FUNCTION = "aws:lambda/function:Function"
INVOCATION = "aws:lambda/invocation:Invocation"
URL = "aws:lambda/functionUrl:FunctionUrl"
PERMISSION = "aws:lambda/permission:Permission"
PACKAGE = ServerPackage(path=ROOT / "functions" / "build" / "server-0123.zip", code_sha256="hash")


@pytest.fixture
def make_lambda_context(make_context: MakeContext) -> MakeContext:
    def make(**values: Any) -> StackContext:  # noqa: ANN401  any configured value
        return make_context(hosting="lambda", **values)

    return make


def declare(context: StackContext) -> Result:
    def program() -> dict[str, Any]:
        host = LambdaHost("server", LambdaHostArgs(context=context, package=PACKAGE))
        outputs = {"url": host.service_url, "function": host.function_name, "log": host.log_group}
        return {**outputs, **host.outputs}

    return run_program(program)


def test_the_function_runs_the_handler_with_the_servers_environment(
    make_lambda_context: MakeContext,
) -> None:
    context = make_lambda_context(memory="1024", architecture="arm64")

    function = declare(context).one(FUNCTION).inputs

    assert function["name"] == "neo4j-mcp-dev-function"
    assert function["runtime"] == "python3.13"
    assert (function["memorySize"], function["architectures"]) == (1024, ["arm64"])
    assert function["environment"] == {"variables": server_environment(context.settings)}
    assert function["handler"] == f"{handler.__name__}.{handler.handle.__name__}"


def test_the_time_limits_end_in_the_right_order() -> None:
    # The server's limit, then the handler's, then Lambda's.
    answer = ServerSettings(program=Path("x"), environment={}).answer_seconds

    assert LAMBDA.request_seconds == 60 < answer < FUNCTION_SECONDS


def test_the_outputs_are_the_functions(make_lambda_context: MakeContext) -> None:
    assert declare(make_lambda_context()).outputs == {
        "url": f"https://abc.lambda-url.{REGION}.on.aws",
        "function": "neo4j-mcp-dev-function",
        "log": "/aws/lambda/neo4j-mcp-dev-function-k3x9q2ab",
        "codeSha256": "hash",
    }


@pytest.mark.parametrize(("most", "reserved"), [("7", 7), ("0", -1)])
def test_the_most_instances_are_reserved(
    make_lambda_context: MakeContext, most: str, reserved: int
) -> None:
    result = declare(make_lambda_context(maxInstances=most))

    assert result.one(FUNCTION).inputs["reservedConcurrentExecutions"] == reserved


def test_the_url_is_public_and_leaves_the_token_to_the_server(
    make_lambda_context: MakeContext,
) -> None:
    result = declare(make_lambda_context())

    url = result.one(URL)
    assert url.inputs["authorizationType"] == "NONE"
    assert url.inputs["invokeMode"] == "BUFFERED"
    assert url.inputs["qualifier"] == "live"
    everyone = {"function": "neo4j-mcp-dev-function", "qualifier": "live", "principal": "*"}
    permissions = [each.inputs for each in result.of_type(PERMISSION)]
    assert [
        {key: value for key, value in each.items() if key != "statementId"} for each in permissions
    ] == [
        {
            **everyone,
            "action": "lambda:InvokeFunctionUrl",
            "functionUrlAuthType": "NONE",
        },
        {**everyone, "action": "lambda:InvokeFunction", "invokedViaFunctionUrl": True},
    ]
    by_url, invocation = result.of_type(PERMISSION)
    assert url.urn in by_url.dependencies
    assert by_url.urn in invocation.dependencies


def test_callers_reach_a_version_only_after_its_health_check(
    make_lambda_context: MakeContext,
) -> None:
    result = declare(make_lambda_context())

    assert result.one(FUNCTION).inputs["publish"] is True
    health, alias = result.one(INVOCATION), result.one(ALIAS)
    assert json.loads(health.inputs["input"]) == handler.HEALTH_EVENT
    assert health.inputs["qualifier"] == alias.inputs["functionVersion"] == "1"
    assert health.urn in alias.dependencies
    assert alias.urn in result.one(URL).dependencies


def test_the_role_writes_the_functions_log_and_does_nothing_else(
    make_lambda_context: MakeContext,
) -> None:
    result = declare(make_lambda_context(logRetentionDays="7"))

    (policy,) = result.of_type("aws:iam/rolePolicy:RolePolicy")
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    assert statement["Resource"] == (
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/neo4j-mcp-dev-function-k3x9q2ab:*"
    )
    log = result.one("aws:cloudwatch/logGroup:LogGroup")
    assert log.inputs["retentionInDays"] == 7
    function = result.one(FUNCTION)
    assert {log.urn, policy.urn} <= function.dependencies
    assert function.inputs["loggingConfig"]["logGroup"] == log.inputs["name"]


@pytest.mark.parametrize("protected", ["true", "false"])
def test_the_address_is_protected_as_configured(
    make_lambda_context: MakeContext, protected: str
) -> None:
    result = declare(make_lambda_context(deletionProtection=protected))

    for each in (result.one(ALIAS), result.one(URL), *result.of_type(PERMISSION)):
        assert each.protect is (protected == "true")


CONNECTION = {"subnetIds": ["subnet-0123abcd"], "securityGroupIds": ["sg-0123abcd"]}


def test_a_function_in_a_vpc_may_enter_it_but_not_its_code(
    make_lambda_context: MakeContext,
) -> None:
    result = declare(make_lambda_context(vpcConnector=CONNECTION))

    function = result.one(FUNCTION)
    assert function.inputs["vpcConfig"] == CONNECTION
    policies = {
        each.inputs["name"]: each for each in result.of_type("aws:iam/rolePolicy:RolePolicy")
    }
    assert policies.keys() == {"write-logs", "enter-vpc"}
    # Lambda refuses to create the function before.
    assert policies["enter-vpc"].urn in function.dependencies
    changes, looks, by_the_code = json.loads(policies["enter-vpc"].inputs["policy"])["Statement"]
    assert changes["Effect"] == looks["Effect"] == "Allow"
    assert by_the_code["Effect"] == "Deny"
    assert {*changes["Action"], *looks["Action"]} < set(by_the_code["Action"])
    assert by_the_code["Condition"] == {
        "ArnLike": {
            "lambda:SourceFunctionArn": "arn:aws:lambda:*:*:function:neo4j-mcp-dev-function"
        }
    }


def test_without_a_vpc_the_function_is_in_none(make_lambda_context: MakeContext) -> None:
    assert "vpcConfig" not in declare(make_lambda_context()).one(FUNCTION).inputs


@pytest.mark.parametrize(
    ("tracing", "mode", "granted"),
    [("true", "Active", {"write-logs", "write-traces"}), ("false", "PassThrough", {"write-logs"})],
)
def test_invocations_are_traced_as_configured(
    make_lambda_context: MakeContext, tracing: str, mode: str, granted: set[str]
) -> None:
    result = declare(make_lambda_context(tracing=tracing))

    assert result.one(FUNCTION).inputs["tracingConfig"] == {"mode": mode}
    policies = result.of_type("aws:iam/rolePolicy:RolePolicy")
    assert {each.inputs["name"] for each in policies} == granted
