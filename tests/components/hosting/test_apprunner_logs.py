import json
from typing import Any

import pulumi

from components.context import StackContext
from components.hosting.apprunner.log_groups import configuration_event, log_group_names
from components.hosting.apprunner.logs import AppRunnerLogs, AppRunnerLogsArgs
from functions.logs.log_groups import Configuration
from tests.components.conftest import MakeContext
from tests.components.mocks import ACCOUNT, REGION, Result, run_program

ARN = f"arn:aws:apprunner:{REGION}:{ACCOUNT}:service/neo4j-mcp-dev-server/0123456789abcdef"
GROUPS = (
    "/aws/apprunner/neo4j-mcp-dev-server/0123456789abcdef/application",
    "/aws/apprunner/neo4j-mcp-dev-server/0123456789abcdef/service",
)
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a"


def declare(context: StackContext) -> Result:
    def program() -> dict[str, Any]:
        logs = AppRunnerLogs(
            "logs", AppRunnerLogsArgs(context=context, service_arn=pulumi.Output.from_input(ARN))
        )
        return {"application": logs.application}

    return run_program(program)


def test_the_deployment_has_the_function_configure_the_services_groups(
    make_context: MakeContext,
) -> None:
    result = declare(make_context(logRetentionDays="7", logKeyArn=KEY))

    invocation = result.one("aws:lambda/invocation:Invocation").inputs
    wanted = Configuration.parse(json.loads(invocation["input"]))
    assert wanted == Configuration(log_groups=GROUPS, retention_days=7, key_arn=KEY)
    assert result.one("aws:lambda/function:Function").inputs["handler"].startswith("functions.logs")
    assert result.outputs == {"application": GROUPS[0]}


def test_a_new_service_and_another_configuration_are_other_events() -> None:
    event = configuration_event(ARN, retention_days=30, key_arn=None)

    assert event == configuration_event(ARN, retention_days=30, key_arn=None)
    others = {
        configuration_event(f"{ARN}0", retention_days=30, key_arn=None),
        configuration_event(ARN, retention_days=7, key_arn=None),
        configuration_event(ARN, retention_days=30, key_arn=KEY),
    }
    assert len(others | {event}) == 4


def test_the_groups_are_those_of_the_service() -> None:
    assert log_group_names(ARN) == GROUPS


def test_the_role_configures_these_groups_and_no_others(make_context: MakeContext) -> None:
    configure, look_up = declare(make_context()).statements("may-configure")

    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:"
    assert configure["Resource"] == [
        arn for name in GROUPS for arn in (f"{group}{name}", f"{group}{name}:*")
    ]
    assert configure["Action"] == [
        "logs:AssociateKmsKey",
        "logs:CreateLogGroup",
        "logs:DisassociateKmsKey",
        "logs:PutRetentionPolicy",
    ]
    assert (look_up["Action"], look_up["Resource"]) == (["logs:DescribeLogGroups"], f"{group}*")


def test_the_functions_own_log_is_encrypted_with_the_key(make_context: MakeContext) -> None:
    result = declare(make_context(logKeyArn=KEY))

    group = result.one("aws:cloudwatch/logGroup:LogGroup").inputs
    assert group["kmsKeyId"] == KEY
    assert group["name"].startswith("/aws/lambda/neo4j-mcp-dev-logs-")
