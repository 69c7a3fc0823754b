"""ECS through boto3, with real containers."""

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from docker.models.containers import Container

from aws.conftest import (
    ACCOUNT,
    PULL_ACTIONS,
    REGION,
    SERVER_ENVIRONMENT,
    AwsEndpoint,
    create_role,
    eventually,
)

pytestmark = pytest.mark.stand_in

_CLUSTER = "tested"
_LOG_GROUP = "/ecs/tested"


@dataclass
class Tasks:
    """Services of one cluster, which are deleted after the test."""

    endpoint: AwsEndpoint
    image: str
    execution_role: str
    cluster: str
    subnets: list[str]
    _services: list[str] = field(default_factory=list)

    @property
    def client(self) -> Any:  # noqa: ANN401 - boto3 creates its clients at run time
        return self.endpoint.client("ecs")

    def define(self, family: str, **container: object) -> str:
        """Register a task definition and return its ARN."""
        definition = self.client.register_task_definition(
            family=family,
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=self.execution_role,
            containerDefinitions=[
                {
                    "name": "server",
                    "image": self.image,
                    "portMappings": [{"containerPort": 8080}],
                    "environment": [
                        {"name": name, "value": value} for name, value in SERVER_ENVIRONMENT.items()
                    ],
                    "readonlyRootFilesystem": True,
                    "user": "65532:65532",
                    "stopTimeout": 5,
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": _LOG_GROUP,
                            "awslogs-region": REGION,
                            "awslogs-stream-prefix": "mcp",
                        },
                    },
                    **container,
                }
            ],
        )
        return str(definition["taskDefinition"]["taskDefinitionArn"])

    def create(self, name: str, **settings: object) -> dict[str, Any]:
        request: dict[str, Any] = {
            "cluster": self.cluster,
            "serviceName": name,
            "launchType": "FARGATE",
            "desiredCount": 1,
            "networkConfiguration": {
                "awsvpcConfiguration": {"subnets": self.subnets, "assignPublicIp": "ENABLED"}
            },
            **settings,
        }
        if "taskDefinition" not in request:
            request["taskDefinition"] = self.define(name)
        self._services.append(name)
        service: dict[str, Any] = self.client.create_service(**request)["service"]
        return service

    def describe(self, name: str) -> dict[str, Any]:
        response = self.client.describe_services(cluster=self.cluster, services=[name])
        [service] = response["services"]
        return dict(service)

    def stable(self, name: str) -> dict[str, Any]:
        """Wait until the service's deployment has completed, and return the service."""

        def found() -> dict[str, Any] | None:
            service = self.describe(name)
            [deployment, *others] = service["deployments"]
            done = deployment["rolloutState"] == "COMPLETED" and not others
            return service if done else None

        service: dict[str, Any] = eventually(found, 60)
        return service

    def tasks(self, name: str, *, status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.client.list_tasks(cluster=self.cluster, serviceName=name, desiredStatus=status)
        if not arns["taskArns"]:
            return []
        described = self.client.describe_tasks(cluster=self.cluster, tasks=arns["taskArns"])
        return list(described["tasks"])

    def container(self, task: Mapping[str, Any]) -> Container:
        task_id = str(task["taskArn"]).rpartition("/")[2]
        label = f"neo4j-mcp.localcloud.task={task_id}"
        [container] = self.endpoint.docker.containers.list(filters={"label": label})
        return container

    def messages(self, name: str) -> list[str]:
        return [event["message"] for event in self.describe(name)["events"]]

    def clean_up(self) -> None:
        for name in self._services:
            inactive = self.client.exceptions.ServiceNotActiveException
            with contextlib.suppress(inactive):
                self.client.delete_service(cluster=self.cluster, service=name, force=True)
        eventually(
            lambda: all(self.describe(name)["status"] == "INACTIVE" for name in self._services)
        )


@pytest.fixture(scope="module")
def execution_role(endpoint: AwsEndpoint, repository: Mapping[str, Any]) -> str:
    logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{_LOG_GROUP}:*"
    return create_role(
        endpoint,
        "execution",
        "ecs-tasks.amazonaws.com",
        [
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": PULL_ACTIONS,
                "Resource": repository["repositoryArn"],
            },
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": logs,
            },
        ],
    )


@pytest.fixture(scope="module")
def cluster(endpoint: AwsEndpoint) -> Iterator[str]:
    endpoint.client("logs").create_log_group(logGroupName=_LOG_GROUP)
    endpoint.client("ecs").create_cluster(clusterName=_CLUSTER)
    yield _CLUSTER
    deleted = endpoint.client("ecs").delete_cluster(cluster=_CLUSTER)["cluster"]
    assert deleted["status"] == "INACTIVE"


@pytest.fixture
def tasks(endpoint: AwsEndpoint, image: str, execution_role: str, cluster: str) -> Iterator[Tasks]:
    subnets = [each["SubnetId"] for each in endpoint.client("ec2").describe_subnets()["Subnets"]]
    created = Tasks(endpoint, image, execution_role, cluster, subnets[:2])
    yield created
    created.clean_up()


def test_a_service_runs_tasks_and_replaces_them(endpoint: AwsEndpoint, tasks: Tasks) -> None:
    created = tasks.create("runs", desiredCount=2)
    assert created["serviceArn"] == f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/{_CLUSTER}/runs"
    assert created["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    service = tasks.stable("runs")
    assert (service["runningCount"], service["pendingCount"]) == (2, 0)
    first, second = tasks.tasks("runs")
    assert first["lastStatus"] == "RUNNING"
    assert {first["availabilityZone"], second["availabilityZone"]} == {
        f"{REGION}a",
        f"{REGION}b",
    }
    container = tasks.container(first)
    host, config = container.attrs["HostConfig"], container.attrs["Config"]
    assert host["ReadonlyRootfs"]
    assert host["Memory"] == 512 * 1024 * 1024
    assert host["NanoCpus"] == 250_000_000
    assert config["User"] == "65532:65532"
    streams = endpoint.client("logs").describe_log_streams(logGroupName=_LOG_GROUP)["logStreams"]
    task_id = first["taskArn"].rpartition("/")[2]
    assert f"mcp/server/{task_id}" in {each["logStreamName"] for each in streams}

    def logged() -> bool:
        events = endpoint.client("logs").filter_log_events(
            logGroupName=_LOG_GROUP, logStreamNames=[f"mcp/server/{task_id}"]
        )["events"]
        return any("Starting Neo4j MCP server" in each["message"] for each in events)

    eventually(logged)

    container.kill()
    eventually(lambda: tasks.tasks("runs", status="STOPPED"))
    [stopped] = tasks.tasks("runs", status="STOPPED")
    assert stopped["stopCode"] == "EssentialContainerExited"
    assert stopped["stoppedReason"] == "Essential container in task exited"
    assert stopped["containers"][0]["exitCode"] == 137
    eventually(lambda: tasks.describe("runs")["runningCount"] == 2, 30)

    tasks.client.update_service(cluster=_CLUSTER, service="runs", desiredCount=1)
    eventually(lambda: tasks.describe("runs")["runningCount"] == 1)
    assert len(tasks.describe("runs")["deployments"]) == 1
    with pytest.raises(tasks.client.exceptions.InvalidParameterException):
        tasks.client.delete_service(cluster=_CLUSTER, service="runs")
    with pytest.raises(tasks.client.exceptions.ClusterContainsServicesException):
        tasks.client.delete_cluster(cluster=_CLUSTER)


def test_a_failed_deployment_is_rolled_back(tasks: Tasks) -> None:
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    tasks.create("fails", deploymentConfiguration=breaker)
    before = tasks.stable("fails")
    broken = tasks.define("fails", environment=[])
    started = dt.datetime.now(dt.UTC)
    updated = tasks.client.update_service(cluster=_CLUSTER, service="fails", taskDefinition=broken)[
        "service"
    ]
    failed_id = updated["deployments"][0]["id"]
    eventually(
        lambda: any("rolling back to deployment" in each for each in tasks.messages("fails")), 30
    )
    after = tasks.stable("fails")
    assert after["taskDefinition"] == before["taskDefinition"]
    assert after["deployments"][0]["id"] == before["deployments"][0]["id"]
    assert any(
        "deployment failed: tasks failed to start." in each for each in tasks.messages("fails")
    )
    listed = tasks.client.list_service_deployments(
        cluster=_CLUSTER, service="fails", createdAt={"after": started}
    )
    [brief] = listed["serviceDeployments"]
    assert brief["status"] == "ROLLBACK_SUCCESSFUL"
    number = failed_id.removeprefix("ecs-svc/")
    assert brief["targetServiceRevisionArn"].endswith(
        f":service-revision/{_CLUSTER}/fails/{number}"
    )
    described = tasks.client.describe_service_deployments(
        serviceDeploymentArns=[brief["serviceDeploymentArn"]]
    )
    [deployment] = described["serviceDeployments"]
    assert deployment["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    [task] = tasks.tasks("fails")
    assert task["startedAt"] < started
