"""What a service must be like, compared with what Lambda and ECS report."""

import copy
import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from automation.hosting.fargate import FARGATE_OPERATIONS
from automation.hosting.host import HostOperations, NoServiceError
from automation.hosting.lambda_ import LAMBDA_OPERATIONS
from components.names import ResourceNames
from components.settings import StackSettings
from tests.components.parsing import parse

NAMES = ResourceNames(prefix="neo4j-mcp", stack="dev")
_MINIMUM = {
    "neo4jUri": "neo4j+s://0123abcd.databases.neo4j.io",
    "clients": {"agent": {"scopes": ["reader"]}},
}
NOW = dt.datetime(2026, 11, 27, tzinfo=dt.UTC)
Responses = dict[str, Any]


def _aws(responses: Responses) -> Callable[..., dict[str, Any]]:
    """Answer each operation with what is known of it; what isn't doesn't exist."""

    def call(_service: str, operation: str, /, **parameters: object) -> dict[str, Any]:
        operation = _qualified(operation, parameters)
        if operation not in responses:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, operation)
        return copy.deepcopy(responses[operation])

    return call


def _qualified(operation: str, parameters: Mapping[str, object]) -> str:
    """A function's policy isn't its alias's."""
    return operation if operation != "get_policy" else f"policy of {parameters.get('Qualifier')}"


def _statement(action: str, test: str, key: str, value: str) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": action,
        "Condition": {test: {key: value}},
    }


def _policy(*more: dict[str, Any]) -> str:
    by_url = ("lambda:InvokeFunctionUrl", "StringEquals", "lambda:FunctionUrlAuthType", "NONE")
    invoke = ("lambda:InvokeFunction", "Bool", "lambda:InvokedViaFunctionUrl", "true")
    return json.dumps({"Statement": [_statement(*by_url), _statement(*invoke), *more]})


LAMBDA: Responses = {
    "get_alias": {"FunctionVersion": "3"},
    "get_function_configuration": {
        "FunctionName": "neo4j-mcp-dev-function",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "LastModified": "2026-11-27T00:00:00.000+0000",
        "CodeSha256": "hash",
        "MemorySize": 512,
        "Timeout": 80,
        "Architectures": ["x86_64"],
        "Handler": "functions.server.handler.handle",
        "Environment": {"Variables": {"LEVEL": "info"}},
        "Role": "arn:role",
        "LoggingConfig": {"LogGroup": "/log"},
    },
    "get_function_url_config": {
        "FunctionUrl": "https://f.example/",
        "AuthType": "NONE",
        "InvokeMode": "BUFFERED",
    },
    "policy of live": {"Policy": _policy()},
    "get_function_concurrency": {"ReservedConcurrentExecutions": 20},
}
_CONTAINER = {
    "image": "registry/server@sha256:new",
    "user": "65532:65532",
    "readonlyRootFilesystem": True,
    "stopTimeout": 75,
    "portMappings": [{"containerPort": 8080}],
    "environment": [{"name": "LEVEL", "value": "info"}],
    "logConfiguration": {"options": {"awslogs-group": "/log"}},
}
FARGATE: Responses = {
    "describe_services": {
        "services": [
            {
                "serviceArn": "arn:aws:ecs:us-east-1:1:service/cluster/server",
                "serviceName": "server",
                "status": "ACTIVE",
                "taskDefinition": "arn:task",
                "createdAt": NOW,
                "deployments": [
                    {"id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED"}
                ],
                "deploymentConfiguration": {
                    "deploymentCircuitBreaker": {"enable": True, "rollback": True},
                    "minimumHealthyPercent": 100,
                },
                "enableExecuteCommand": False,
                "loadBalancers": [{"targetGroupArn": "arn:group"}],
            }
        ]
    },
    "describe_task_definition": {
        "taskDefinition": {"cpu": "512", "memory": "1024", "containerDefinitions": [_CONTAINER]}
    },
    "describe_target_groups": {
        "TargetGroups": [
            {
                "LoadBalancerArns": ["arn:balancer"],
                "HealthCheckProtocol": "HTTP",
                "HealthCheckPath": "/healthz",
                "Matcher": {"HttpCode": "200"},
            }
        ]
    },
    "describe_target_health": {
        "TargetHealthDescriptions": [{"TargetHealth": {"State": "healthy"}}]
    },
    "describe_load_balancers": {"LoadBalancers": [{"Scheme": "internal"}]},
    "describe_listeners": {"Listeners": [{"Protocol": "HTTP", "Port": 80}]},
    "describe_scalable_targets": {"ScalableTargets": [{"MinCapacity": 1, "MaxCapacity": 3}]},
    "describe_scaling_policies": {
        "ScalingPolicies": [
            {
                "TargetTrackingScalingPolicyConfiguration": {
                    "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
                    "TargetValue": value,
                }
            }
            for metric, value in (
                ("ALBRequestCountPerTarget", 1000.0),
                ("ECSServiceAverageCPUUtilization", 60.0),
            )
        ]
    },
}
HOSTS: Mapping[str, tuple[HostOperations, Responses, Mapping[str, object]]] = {
    "lambda": (LAMBDA_OPERATIONS, LAMBDA, {}),
    "fargate": (FARGATE_OPERATIONS, FARGATE, {"edge": True}),
}


def _settings(hosting: str) -> StackSettings:
    return parse({**_MINIMUM, "hosting": hosting, **HOSTS[hosting][2]})


def _wrong(hosting: str, responses: Responses) -> list[str]:
    """Return what differs from the configuration."""
    host, aws, settings = HOSTS[hosting][0], _aws(responses), _settings(hosting)
    service = host.describe(aws, host.find(aws, NAMES))
    facts = [*host.configuration(aws, service, settings), *host.scaling(aws, service, settings)]
    if host.health_check:
        facts += host.health_check(aws, service, settings)
    assert len(facts) > 5
    return [fact.what for fact in facts if fact.found != fact.wanted]


@pytest.mark.parametrize("hosting", list(HOSTS))
def test_a_service_as_configured_has_no_difference(hosting: str) -> None:
    assert _wrong(hosting, HOSTS[hosting][1]) == []


@pytest.mark.parametrize("hosting", list(HOSTS))
def test_a_service_that_does_not_exist_is_reported_by_name(hosting: str) -> None:
    host = HOSTS[hosting][0]
    with pytest.raises(NoServiceError, match="neo4j-mcp-dev-"):
        host.find(_aws({"describe_services": {"services": []}}), NAMES)


@pytest.mark.parametrize(
    ("hosting", "operation", "path", "value", "what"),
    [
        ("lambda", "get_function_configuration", ["MemorySize"], 128, "the memory in MB"),
        (
            "lambda",
            "get_function_configuration",
            ["LastUpdateStatus"],
            "Failed",
            "the last update's status",
        ),
        ("lambda", "get_function_url_config", ["AuthType"], "AWS_IAM", "the URL's AuthType"),
        (
            "lambda",
            "policy of live",
            ["Policy"],
            _policy({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "lambda:*"}),
            "what everyone may do with the alias",
        ),
        (
            "lambda",
            "policy of None",
            ["Policy"],
            _policy({"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction"}),
            "what everyone may do with the function's other versions",
        ),
        (
            "lambda",
            "get_function_concurrency",
            ["ReservedConcurrentExecutions"],
            5,
            "the reserved concurrency",
        ),
        (
            "fargate",
            "describe_services",
            ["services", 0, "deployments", 0, "rolloutState"],
            "FAILED",
            "the deployment's rollout state",
        ),
        (
            "fargate",
            "describe_services",
            ["services", 0, "deploymentConfiguration", "deploymentCircuitBreaker"],
            {},
            "the circuit breaker",
        ),
        (
            "fargate",
            "describe_task_definition",
            ["taskDefinition", "containerDefinitions", 0, "user"],
            "0",
            "whether the server runs as root",
        ),
        (
            "fargate",
            "describe_load_balancers",
            ["LoadBalancers", 0, "Scheme"],
            "internet-facing",
            "the load balancer's scheme",
        ),
        (
            "fargate",
            "describe_target_health",
            ["TargetHealthDescriptions"],
            [],
            "whether a target is healthy",
        ),
        (
            "fargate",
            "describe_scalable_targets",
            ["ScalableTargets"],
            [],
            "the minimum and maximum number of instances",
        ),
    ],
)
def test_a_difference_is_found(
    hosting: str, operation: str, path: list[Any], value: object, what: str
) -> None:
    responses = copy.deepcopy(HOSTS[hosting][1])
    place = responses.setdefault(operation, {})
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert _wrong(hosting, responses) == [what]


def test_a_rollback_of_ecs_is_an_operation_that_failed() -> None:
    deployments = [
        {"createdAt": NOW, "status": "SUCCESSFUL", "targetServiceRevisionArn": "arn:x/1"},
        {
            "createdAt": NOW + dt.timedelta(minutes=1),
            "status": "ROLLBACK_SUCCESSFUL",
            "statusReason": "tasks failed to start",
            "targetServiceRevisionArn": "arn:x/2",
        },
    ]
    aws = _aws({"list_service_deployments": {"serviceDeployments": deployments}})
    newest, oldest = FARGATE_OPERATIONS.operations(aws, "arn:aws:ecs:r:1:service/c/s")
    assert (newest.id, newest.ended, newest.succeeded) == ("2", True, False)
    assert newest.reason == "tasks failed to start"
    assert oldest.succeeded


def test_a_function_without_a_live_version_does_not_run() -> None:
    aws = _aws({name: each for name, each in LAMBDA.items() if name != "get_alias"})
    service = LAMBDA_OPERATIONS.describe(aws, "neo4j-mcp-dev-function")
    assert not service.is_running
    assert "no version has started" in service.status


def test_the_command_that_shows_a_fargate_services_deployments_names_its_cluster() -> None:
    arn = "arn:aws:ecs:us-east-1:111122223333:service/neo4j-mcp-dev-server/neo4j-mcp-dev-server"

    assert FARGATE_OPERATIONS.show_operations(arn) == (
        f"aws ecs list-service-deployments --cluster neo4j-mcp-dev-server --service {arn}"
    )
