"""The packaged function in Lambda's runtime, with the stand-in's CloudWatch Logs."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from components.function_code import LOG_HANDLER, log_package
from components.hosting.apprunner.log_groups import configuration_event, log_group_names
from components.policies import configure_log_groups, trust
from tests.stand_in import Aws

pytestmark = pytest.mark.stand_in

_ACCOUNT = "000000000000"
_REGION = "us-east-1"


@pytest.fixture(scope="module")
def service_arn() -> str:
    name = f"logs-{uuid.uuid4().hex[:8]}"
    return f"arn:aws:apprunner:{_REGION}:{_ACCOUNT}:service/{name}/0123456789abcdef"


@pytest.fixture(scope="module")
def function(aws: Aws, service_arn: str) -> Iterator[str]:
    name = f"logs-{uuid.uuid4().hex[:8]}"
    role = aws("iam").create_role(
        RoleName=name, AssumeRolePolicyDocument=trust("lambda.amazonaws.com")
    )
    groups = log_group_names(service_arn)
    aws("iam").put_role_policy(
        RoleName=name,
        PolicyName="configure",
        PolicyDocument=configure_log_groups(groups, region=_REGION, account=_ACCOUNT),
    )
    aws("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Architectures=["arm64"],
        Role=role["Role"]["Arn"],
        Handler=LOG_HANDLER,
        Code={"ZipFile": log_package()},
        Timeout=120,
    )
    aws("lambda").get_waiter("function_active_v2").wait(FunctionName=name)
    yield name
    aws("lambda").delete_function(FunctionName=name)
    aws("iam").delete_role_policy(RoleName=name, PolicyName="configure")
    aws("iam").delete_role(RoleName=name)
    for group in groups:
        aws("logs").delete_log_group(logGroupName=group)


def invoke(aws: Aws, function: str, event: str) -> tuple[Any, bool]:
    """Return what the function answers, and whether it failed."""
    answer = aws("lambda").invoke(FunctionName=function, Payload=event)
    return json.loads(answer["Payload"].read()), "FunctionError" in answer


def retention(aws: Aws, group: str) -> int | None:
    (found,) = aws("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    days: int | None = found.get("retentionInDays")
    return days


def test_the_groups_of_a_service_get_their_retention(
    aws: Aws, function: str, service_arn: str
) -> None:
    application, service = log_group_names(service_arn)
    # App Runner writes to one of them before the deployment invokes the function.
    aws("logs").create_log_group(logGroupName=service)

    event = configuration_event(service_arn, retention_days=30, key_arn=None)
    done, failed = invoke(aws, function, event)

    assert not failed, done
    assert done["logGroups"] == {
        application: ["CreateLogGroup", "PutRetentionPolicy"],
        service: ["PutRetentionPolicy"],
    }
    assert [retention(aws, each) for each in (application, service)] == [30, 30]

    again, failed = invoke(aws, function, event)
    assert (again["logGroups"], failed) == ({application: [], service: []}, False)

    invoke(aws, function, configuration_event(service_arn, retention_days=7, key_arn=None))
    assert [retention(aws, each) for each in (application, service)] == [7, 7]


def test_another_event_fails_the_invocation(aws: Aws, function: str) -> None:
    done, failed = invoke(aws, function, "{}")

    assert failed
    assert "retentionDays, a number" in done["errorMessage"]
