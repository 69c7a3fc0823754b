import datetime as dt
import json
from typing import Any

import pytest

from localcloud.providers.aws.clients import AwsError, Document
from localcloud.providers.aws.ecs import Service, TaskDefinition
from localcloud.providers.schema import InitializationError, ProviderError
from localcloud.providers.values import Values
from providers.aws.fake import (
    check_request,
    create_request,
    fake,
    resource_request,
    update_request,
)

CLUSTER = "arn:aws:ecs:us-east-1:0:cluster/c"
ARN = "arn:aws:ecs:us-east-1:0:service/c/s"
DEPLOYMENT_ARN = "arn:aws:ecs:us-east-1:0:service-deployment/c/s/1"
REASON = "ECS deployment circuit breaker: tasks failed to start."
INPUTS: Values = {
    "name": "s",
    "cluster": CLUSTER,
    "taskDefinition": "task:2",
    "desiredCount": 1,
    "deploymentMaximumPercent": 200,
    "deploymentMinimumHealthyPercent": 100,
    "propagateTags": "NONE",
    "schedulingStrategy": "REPLICA",
    "networkConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": True},
    "waitForSteadyState": True,
}


def described(*deployments: Document, running: int = 1) -> Document:
    service = {
        "serviceArn": ARN,
        "serviceName": "s",
        "clusterArn": CLUSTER,
        "status": "ACTIVE",
        "desiredCount": 1,
        "runningCount": running,
        "deployments": list(deployments),
    }
    return {"services": [service], "failures": []}


def deployment(*, is_new: bool) -> Document:
    day = dt.timedelta(days=1 if is_new else -1)
    return {
        "id": "ecs-svc/123",
        "status": "PRIMARY",
        "createdAt": dt.datetime.now(dt.UTC) + day,
    }


def listed(revision: str) -> Document:
    target = f"arn:aws:ecs:us-east-1:0:service-revision/c/s/{revision}"
    return {
        "serviceDeployments": [
            {"serviceDeploymentArn": DEPLOYMENT_ARN, "targetServiceRevisionArn": target}
        ]
    }


def ended(status: str) -> Document:
    return {"serviceDeployments": [{"status": status, "statusReason": REASON}]}


def script(*statuses: str) -> dict[str, list[Any]]:
    return {
        "CreateService": [{"service": {"serviceArn": ARN}}],
        "UpdateService": [{}],
        "DescribeServices": [described(deployment(is_new=True))],
        "ListServiceDeployments": [listed("456"), listed("123")],
        "DescribeServiceDeployments": [ended(status) for status in statuses],
    }


def test_a_creation_waits_for_its_own_deployment() -> None:
    aws = fake(**script("PENDING", "IN_PROGRESS", "SUCCESSFUL"))

    assert Service().create(create_request(aws, INPUTS)).id == ARN
    (created,) = aws.called("CreateService")
    assert created["networkConfiguration"] == {
        "awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"}
    }
    assert len(aws.called("DescribeServiceDeployments")) == 3
    # The first list has another revision's deployment only.
    assert len(aws.called("ListServiceDeployments")) == 2


@pytest.mark.parametrize("status", ["ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED"])
def test_a_deployment_that_fails_is_an_error_with_ecss_reason(status: str) -> None:
    aws = fake(**script("IN_PROGRESS", status))
    state: Values = {**INPUTS, "arn": ARN, "taskDefinition": "task:1"}

    with pytest.raises(ProviderError, match="circuit breaker") as raised:
        Service().update(update_request(aws, ARN, state, INPUTS))
    assert str(raised.value) == f"waiting for ECS Service ({ARN}) update: {REASON}"


def test_a_service_that_never_became_steady_is_kept_with_the_reason() -> None:
    aws = fake(**script("ROLLBACK_FAILED"))

    with pytest.raises(InitializationError, match="circuit breaker") as raised:
        Service().create(create_request(aws, INPUTS))
    assert raised.value.id == ARN


def test_an_update_without_a_deployment_waits_for_the_tasks() -> None:
    aws = fake(**script())
    aws.script["DescribeServices"] = [
        described(deployment(is_new=False), running=0),
        described(deployment(is_new=False)),
    ]
    state: Values = {**INPUTS, "arn": ARN, "desiredCount": 0}

    Service().update(update_request(aws, ARN, state, INPUTS))

    assert len(aws.called("DescribeServices")) == 2
    assert aws.called("ListServiceDeployments") == []


def test_an_update_sends_only_what_changes() -> None:
    aws = fake(**script("SUCCESSFUL"))
    # Scaling has changed the number of tasks, and the program ignores that.
    state: Values = {**INPUTS, "arn": ARN, "desiredCount": 3, "taskDefinition": "task:1"}

    Service().update(update_request(aws, ARN, state, {**INPUTS, "desiredCount": 3}))

    assert aws.called("UpdateService") == [
        {"cluster": CLUSTER, "service": ARN, "taskDefinition": "task:2"}
    ]


def test_what_the_program_removes_is_switched_off() -> None:
    aws = fake(**script("SUCCESSFUL"))
    state: Values = {
        **INPUTS,
        "arn": ARN,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "healthCheckGracePeriodSeconds": 30,
    }

    Service().update(update_request(aws, ARN, state, INPUTS))

    (sent,) = aws.called("UpdateService")
    off = {"enable": False, "rollback": False}
    assert sent["deploymentConfiguration"] == {"deploymentCircuitBreaker": off}
    assert sent["healthCheckGracePeriodSeconds"] == 0


def test_a_service_is_stopped_and_deleted_once_no_deployment_is_active() -> None:
    active = AwsError(
        "DeleteService",
        "InvalidParameterException",
        "The service cannot be stopped while deployments are active.",
    )
    aws = fake(
        UpdateService=[{}],
        DeleteService=[active, {}],
        # What is being deleted has no tags to list.
        ListTagsForResource=[AwsError("ListTagsForResource", "InvalidParameterException", "gone")],
        DescribeServices=[
            described(deployment(is_new=False)),
            {"services": [{"serviceArn": ARN, "status": "DRAINING", "deployments": []}]},
            {"services": [{"serviceArn": ARN, "status": "INACTIVE", "deployments": []}]},
        ],
    )

    Service().delete(resource_request(aws, ARN, {"cluster": CLUSTER}))

    assert aws.called("UpdateService") == [{"cluster": CLUSTER, "service": ARN, "desiredCount": 0}]
    assert len(aws.called("DeleteService")) == 2


def test_a_service_that_is_gone_needs_no_deletion() -> None:
    gone = {"services": [{"serviceArn": ARN, "status": "INACTIVE", "deployments": []}]}
    aws = fake(DescribeServices=[gone])

    Service().delete(resource_request(aws, ARN, {"cluster": CLUSTER}))

    assert {name for name, _ in aws.calls} == {"DescribeServices"}


CONTAINER: Document = {"name": "server", "image": "i", "portMappings": [{"containerPort": 8080}]}


def test_what_ecs_adds_to_a_container_is_no_change() -> None:
    added = {
        **CONTAINER,
        "cpu": 0,
        "essential": True,
        "mountPoints": [],
        "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
        "systemControls": [],
        "volumesFrom": [],
    }
    inputs: Values = {"family": "f", "containerDefinitions": json.dumps([CONTAINER])}
    checked, failures = TaskDefinition().check(check_request(fake(), inputs))
    found = TaskDefinition().described(
        {"taskDefinitionArn": "arn:f:1", "containerDefinitions": [added], "status": "ACTIVE"}
    )

    assert failures == []
    assert found["containerDefinitions"] == checked["containerDefinitions"]
    assert found["arnWithoutRevision"] == "arn:f"


def test_a_wrong_container_is_reported_in_the_preview() -> None:
    wrong: Values = {"family": "f", "containerDefinitions": '[{"name": 1}]'}
    _, failures = TaskDefinition().check(check_request(fake(), wrong))

    assert [each.property for each in failures] == ["containerDefinitions"]


def test_an_inactive_revision_no_longer_exists() -> None:
    inactive = {"taskDefinition": {"taskDefinitionArn": "arn:f:1", "status": "INACTIVE"}}
    aws = fake(DescribeTaskDefinition=[inactive])

    assert TaskDefinition().read(resource_request(aws, "f", {"arn": "arn:f:1"})) is None
