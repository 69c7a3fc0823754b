"""ECS through boto3, with real containers."""

import contextlib
import datetime as dt
import ssl
import threading
import urllib.error
import urllib.request
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
from tests.ports import free_ports

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

    def measured() -> bool:
        now = dt.datetime.now(dt.UTC)
        points = endpoint.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/ECS",
            MetricName="MemoryUtilization",
            Dimensions=[
                {"Name": "ClusterName", "Value": _CLUSTER},
                {"Name": "ServiceName", "Value": "runs"},
            ],
            StartTime=now - dt.timedelta(minutes=5),
            EndTime=now + dt.timedelta(minutes=1),
            Period=300,
            Statistics=["Maximum"],
        )["Datapoints"]
        return any(0 < point["Maximum"] < 100 for point in points)

    eventually(measured)

    container.kill()
    # A task that is to stop is listed before it has stopped.
    [stopped] = eventually(
        lambda: [
            each
            for each in tasks.tasks("runs", status="STOPPED")
            if each["lastStatus"] == "STOPPED"
        ]
    )
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


@dataclass
class Balancer:
    """A load balancer with a target group.

    Attributes:
        group: the target group's ARN.
        url: the listener's address.
    """

    group: str
    url: str


@pytest.fixture
def balancer(endpoint: AwsEndpoint) -> Iterator[Balancer]:
    ec2, elb = endpoint.client("ec2"), endpoint.client("elbv2")
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])
    certificate = endpoint.client("acm").request_certificate(DomainName="localhost")
    [created] = elb.create_load_balancer(
        Name="ecs", Subnets=[each["SubnetId"] for each in subnets["Subnets"]]
    )["LoadBalancers"]
    arn = created["LoadBalancerArn"]
    group = elb.create_target_group(
        Name="ecs",
        Protocol="HTTP",
        Port=8080,
        VpcId=vpc["VpcId"],
        TargetType="ip",
        HealthCheckPath="/healthz",
        HealthCheckIntervalSeconds=5,
        HealthCheckTimeoutSeconds=4,
        HealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.modify_target_group_attributes(
        TargetGroupArn=group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}],
    )
    [port] = free_ports(1)
    elb.create_listener(
        LoadBalancerArn=arn,
        Protocol="HTTPS",
        Port=port,
        Certificates=[{"CertificateArn": certificate["CertificateArn"]}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    yield Balancer(group, f"https://localhost:{port}")
    elb.delete_load_balancer(LoadBalancerArn=arn)
    elb.delete_target_group(TargetGroupArn=group)


@dataclass
class Caller:
    """Requests a URL until it is stopped, and collects what it gets."""

    url: str
    tls: ssl.SSLContext
    statuses: list[int] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.stopped.wait(0.05):
            try:
                with urllib.request.urlopen(self.url, context=self.tls, timeout=10) as response:  # noqa: S310 - https
                    self.statuses.append(response.status)
            except urllib.error.HTTPError as error:
                self.statuses.append(error.code)

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self.stopped.set()
            thread.join()


def test_a_failed_deployment_is_rolled_back_without_a_lost_request(
    endpoint: AwsEndpoint, balancer: Balancer, tasks: Tasks
) -> None:
    tasks.create(
        "fails",
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        loadBalancers=[
            {"targetGroupArn": balancer.group, "containerName": "server", "containerPort": 8080}
        ],
    )
    tasks.stable("fails")
    caller = Caller(f"{balancer.url}/healthz", endpoint.tls())
    with caller.calling():
        client = tasks.client
        client.update_service(cluster=_CLUSTER, service="fails", forceNewDeployment=True)
        eventually(lambda: len(tasks.tasks("fails")) == 2)
        before = tasks.stable("fails")
        broken = tasks.define("fails", environment=[])
        started = dt.datetime.now(dt.UTC)
        updated = client.update_service(cluster=_CLUSTER, service="fails", taskDefinition=broken)
        failed_id = updated["service"]["deployments"][0]["id"]
        eventually(lambda: "rolling back to deployment" in "".join(tasks.messages("fails")))
        after = tasks.stable("fails")
    assert len(caller.statuses) > 20
    assert set(caller.statuses) == {200}
    assert after["taskDefinition"] == before["taskDefinition"]
    assert after["deployments"][0]["id"] == before["deployments"][0]["id"]
    messages = tasks.messages("fails")
    assert any("deployment failed: tasks failed to start." in each for each in messages)
    listed = client.list_service_deployments(
        cluster=_CLUSTER, service="fails", createdAt={"after": started}
    )
    [brief] = listed["serviceDeployments"]
    assert brief["status"] == "ROLLBACK_SUCCESSFUL"
    number = failed_id.removeprefix("ecs-svc/")
    assert brief["targetServiceRevisionArn"].endswith(
        f":service-revision/{_CLUSTER}/fails/{number}"
    )
    described = client.describe_service_deployments(
        serviceDeploymentArns=[brief["serviceDeploymentArn"]]
    )
    [deployment] = described["serviceDeployments"]
    assert deployment["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    [task] = tasks.tasks("fails")
    assert task["startedAt"] < started


@pytest.mark.slow
def test_a_service_follows_its_requests_out_and_in(
    endpoint: AwsEndpoint, balancer: Balancer, tasks: Tasks
) -> None:
    tasks.create(
        "scaled",
        loadBalancers=[
            {"targetGroupArn": balancer.group, "containerName": "server", "containerPort": 8080}
        ],
    )
    tasks.stable("scaled")
    elb, scaling = endpoint.client("elbv2"), endpoint.client("application-autoscaling")
    [group] = elb.describe_target_groups(TargetGroupArns=[balancer.group])["TargetGroups"]
    load_balancer = group["LoadBalancerArns"][0].partition(":loadbalancer/")[2]
    resource = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{_CLUSTER}/scaled",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(**resource, MinCapacity=1, MaxCapacity=2)
    requests = {
        "PredefinedMetricType": "ALBRequestCountPerTarget",
        "ResourceLabel": f"{load_balancer}/{balancer.group.rpartition(':')[2]}",
    }
    for name, metric, value in (
        ("requests", requests, 60.0),
        ("cpu", {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}, 90.0),
    ):
        scaling.put_scaling_policy(
            **resource,
            PolicyName=name,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": value,
                "PredefinedMetricSpecification": metric,
            },
        )
    endpoint.control().call("SetScalingMinute", Seconds=4)
    caller = Caller(f"{balancer.url}/healthz", endpoint.tls())
    try:
        with caller.calling():
            eventually(lambda: tasks.describe("scaled")["runningCount"] == 2, 120)
        eventually(lambda: tasks.describe("scaled")["desiredCount"] == 1, 300)
    finally:
        endpoint.control().call("SetScalingMinute", Seconds=60)
    assert set(caller.statuses) == {200}
    [removal, addition] = scaling.describe_scaling_activities(**resource)["ScalingActivities"]
    assert "AlarmHigh" in addition["Cause"]
    assert "AlarmLow" in removal["Cause"]
    scaling.deregister_scalable_target(**resource)
