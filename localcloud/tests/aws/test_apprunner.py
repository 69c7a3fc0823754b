"""App Runner through boto3 and HTTPS, with real containers."""

import asyncio
import contextlib
import datetime as dt
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError

from aws.conftest import (
    ACCOUNT,
    REGION,
    AwsEndpoint,
    Deployments,
    create_role,
    eventually,
)
from localcloud import docker_engine

pytestmark = pytest.mark.stand_in

_PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
_QUERY = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "read-cypher", "arguments": {"query": "RETURN 1"}},
}


def error_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    described = error.value.response["Error"]
    return described["Code"], described["Message"]


async def status_of(
    endpoint: AwsEndpoint,
    service: Mapping[str, Any],
    session: aiohttp.ClientSession,
    message: Mapping[str, Any] | None = None,
) -> int:
    """Request /healthz, or send an MCP message, and return the status."""
    url = f"https://{service['ServiceUrl']}"
    if message is None:
        request = session.get(f"{url}/healthz", ssl=endpoint.tls())
    else:
        headers = {"Authorization": "Bearer some-token"}
        request = session.post(f"{url}/mcp", json=message, headers=headers, ssl=endpoint.tls())
    async with request as response:
        await response.read()
        return response.status


@dataclass
class StallingDatabase:
    """A database that accepts connections but never responds: calls to it hang until it closes."""

    uri: str
    callers: set[str] = field(default_factory=set)


@contextlib.contextmanager
def stalling_database(address: str) -> Iterator[StallingDatabase]:
    connections: list[socket.socket] = []
    server = socket.create_server((address, 0))
    database = StallingDatabase(f"bolt://host.docker.internal:{server.getsockname()[1]}")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, peer = server.accept()
                connections.append(connection)
                database.callers.add(peer[0])

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield database
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
        for connection in connections:
            connection.close()


async def test_a_service_runs_behind_https(endpoint: AwsEndpoint, deployments: Deployments) -> None:
    created = deployments.create("runs-here", Tags=[{"Key": "team", "Value": "graph"}])
    assert created["Status"] == "OPERATION_IN_PROGRESS"
    assert created["ServiceUrl"].startswith("localhost:")
    assert created["ServiceArn"] == (
        f"arn:aws:apprunner:{REGION}:{ACCOUNT}:service/runs-here/{created['ServiceId']}"
    )
    service = deployments.settled(created["ServiceArn"])
    assert service["Status"] == "RUNNING"
    assert service["HealthCheckConfiguration"] == {
        "Protocol": "HTTP",
        "Path": "/healthz",
        "Interval": 1,
        "Timeout": 2,
        "HealthyThreshold": 1,
        "UnhealthyThreshold": 5,
    }
    assert service["InstanceConfiguration"] == {"Cpu": "1024", "Memory": "2048"}
    image = service["SourceConfiguration"]["ImageRepository"]["ImageIdentifier"]
    assert image == deployments.image
    assert deployments.operations(service["ServiceArn"]) == [("CREATE_SERVICE", "SUCCEEDED")]

    async with aiohttp.ClientSession() as session:
        assert await status_of(endpoint, service, session) == 200
        assert await status_of(endpoint, service, session, _PING) == 200
        url = f"https://{service['ServiceUrl']}/mcp"
        async with session.post(url, json=_QUERY, ssl=endpoint.tls()) as response:
            assert response.status == 401
            assert response.headers.getall("WWW-Authenticate") == [
                'Basic realm="Neo4j MCP Server"',
                'Bearer realm="Neo4j MCP Server"',
            ]
        with pytest.raises(aiohttp.ClientError):
            await session.get(f"http://{service['ServiceUrl']}/healthz")

    [container] = endpoint.containers("runs-here")
    host = container.attrs["HostConfig"]
    assert host["Memory"] == 2048 * 1024 * 1024
    assert host["NanoCpus"] == 1_000_000_000
    assert host["ExtraHosts"] == ["host.docker.internal:host-gateway"]
    assert host["PortBindings"]["8080/tcp"][0]["HostIp"] == "127.0.0.1"
    assert "PORT=8080" in container.attrs["Config"]["Env"]
    assert not host["ReadonlyRootfs"]


async def test_logs_and_metrics_reach_cloudwatch(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    service = deployments.running("is-observed")
    async with aiohttp.ClientSession() as session:
        for _ in range(7):
            assert await status_of(endpoint, service, session) == 200
        async with session.get(
            f"https://{service['ServiceUrl']}/missing", ssl=endpoint.tls()
        ) as response:
            assert response.status == 404

    prefix = f"/aws/apprunner/is-observed/{service['ServiceId']}"
    eventually(lambda: "Starting Neo4j MCP server" in deployments.messages(service, "application"))
    events = eventually(
        lambda: (
            (found := deployments.messages(service, "service"))
            and "Service status is set to RUNNING." in found
            and found
        )
    )
    assert "[AppRunner] Health check is successful. Routing traffic to application." in events
    streams = endpoint.client("logs").describe_log_streams(logGroupName=f"{prefix}/application")
    [container] = endpoint.containers("is-observed")
    instance = container.labels["neo4j-mcp.localcloud.instance"]
    names = [stream["logStreamName"] for stream in streams["logStreams"]]
    assert names == [f"instance/{instance}"], deployments.messages(service, "service")

    dimensions = [
        {"Name": "ServiceName", "Value": "is-observed"},
        {"Name": "ServiceID", "Value": service["ServiceId"]},
    ]

    def statistic(name: str, statistic: str, extra: list[dict[str, str]] | None = None) -> Any:  # noqa: ANN401 - a number
        now = dt.datetime.now(dt.UTC)
        points = endpoint.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/AppRunner",
            MetricName=name,
            Dimensions=[*dimensions, *(extra or [])],
            StartTime=now - dt.timedelta(minutes=5),
            EndTime=now + dt.timedelta(minutes=1),
            Period=300,
            Statistics=[statistic],
        )["Datapoints"]
        return sum(point[statistic] for point in points) if points else 0

    eventually(lambda: statistic("Requests", "Sum") == 8)
    assert statistic("2xxStatusResponses", "Sum") == 7
    assert statistic("4xxStatusResponses", "Sum") == 1
    assert statistic("5xxStatusResponses", "Sum") == 0
    assert statistic("RequestLatency", "SampleCount") == 8
    assert statistic("ActiveInstances", "Maximum") == 1
    assert statistic("Concurrency", "Maximum") == 1
    # An instance is measured from the second report on.
    eventually(lambda: statistic("MemoryUtilization", "SampleCount"))
    assert 0 < statistic("MemoryUtilization", "Maximum") < 100
    own = [{"Name": "Instance", "Value": instance}]
    eventually(lambda: statistic("CPUUtilization", "SampleCount", own))


async def test_an_update_loses_no_request(endpoint: AwsEndpoint, deployments: Deployments) -> None:
    service = deployments.running("is-updated")
    [before] = endpoint.containers("is-updated")
    statuses: list[int] = []
    done = asyncio.Event()

    async def load(session: aiohttp.ClientSession) -> None:
        while not done.is_set():
            statuses.append(await status_of(endpoint, service, session, _PING))

    client = endpoint.client("apprunner")
    async with aiohttp.ClientSession() as session:
        callers = [asyncio.ensure_future(load(session)) for _ in range(4)]
        await asyncio.to_thread(
            client.update_service,
            ServiceArn=service["ServiceArn"],
            SourceConfiguration=deployments.configuration(
                environment={"NEO4J_MCP_LOG_FORMAT": "json"}
            ),
        )
        await asyncio.to_thread(deployments.settled, service["ServiceArn"])
        await asyncio.to_thread(
            eventually,
            lambda: before.id not in {each.id for each in endpoint.containers("is-updated")},
        )
        done.set()
        await asyncio.gather(*callers)
    assert len(statuses) > 20
    assert set(statuses) == {200}
    assert deployments.operations(service["ServiceArn"])[0] == ("UPDATE_SERVICE", "SUCCEEDED")
    [after] = endpoint.containers("is-updated")
    assert "NEO4J_MCP_LOG_FORMAT=json" in after.attrs["Config"]["Env"]


async def test_a_failed_update_rolls_back(endpoint: AwsEndpoint, deployments: Deployments) -> None:
    service = deployments.running("rolls-back")
    [before] = endpoint.containers("rolls-back")
    arn = service["ServiceArn"]
    endpoint.client("apprunner").update_service(
        ServiceArn=arn,
        SourceConfiguration=deployments.configuration(
            environment={"NEO4J_MCP_TRANSPORT_MODE": "carrier-pigeon"}
        ),
    )
    after = deployments.settled(arn)
    assert after["Status"] == "RUNNING"
    assert after["SourceConfiguration"] == service["SourceConfiguration"]
    assert deployments.operations(arn)[0] == ("UPDATE_SERVICE", "ROLLBACK_SUCCEEDED")
    [still] = endpoint.containers("rolls-back")
    assert still.id == before.id
    async with aiohttp.ClientSession() as session:
        assert await status_of(endpoint, service, session) == 200
    eventually(lambda: "Container exit code: 1" in deployments.messages(service, "service"))


@pytest.mark.parametrize(
    ("name", "health_check", "environment", "reason"),
    [
        (
            "wrong-path",
            {"Protocol": "HTTP", "Path": "/wrong", "Interval": 1, "UnhealthyThreshold": 2},
            {},
            "Health check failed.",
        ),
        (
            "wrong-port",
            {"Protocol": "TCP", "Interval": 1, "UnhealthyThreshold": 2},
            {"NEO4J_MCP_HTTP_PORT": "8081"},
            "Health check failed.",
        ),
        (
            "exits",
            {"Protocol": "HTTP", "Path": "/healthz"},
            {"NEO4J_MCP_URI": ""},
            "Container exit code: 1",
        ),
    ],
)
def test_a_service_that_never_becomes_healthy_fails(
    name: str,
    health_check: dict[str, Any],
    environment: dict[str, str],
    reason: str,
    endpoint: AwsEndpoint,
    deployments: Deployments,
) -> None:
    created = deployments.create(
        name,
        HealthCheckConfiguration=health_check,
        SourceConfiguration=deployments.configuration(environment=environment),
    )
    service = deployments.settled(created["ServiceArn"])
    assert service["Status"] == "CREATE_FAILED"
    assert deployments.operations(service["ServiceArn"]) == [("CREATE_SERVICE", "FAILED")]
    eventually(lambda: reason in deployments.messages(service, "service"))
    assert endpoint.containers(name) == []


def test_a_tcp_health_check_passes(deployments: Deployments) -> None:
    deployments.running("tcp-checked", HealthCheckConfiguration={"Protocol": "TCP", "Interval": 1})


def test_an_image_that_does_not_exist_fails(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    missing = f"{endpoint.registry}/server:missing"
    created = deployments.create(
        "no-image", SourceConfiguration=deployments.configuration(image=missing)
    )
    service = deployments.settled(created["ServiceArn"])
    assert service["Status"] == "CREATE_FAILED"
    eventually(lambda: "does not exist" in deployments.messages(service, "service"))


def test_a_failed_creation_reaches_the_topic_of_a_rule(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    topic = endpoint.client("sns").create_topic(Name="failed-creations")["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    endpoint.client("sns").set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    endpoint.client("sns").subscribe(
        TopicArn=topic, Protocol="email", Endpoint="oncall@example.com"
    )
    endpoint.control().call("ConfirmSubscriptions", TopicArn=topic)
    pattern = {
        "source": ["aws.apprunner"],
        "detail": {"ServiceName": ["no-digest"], "operationStatus": ["CreateServiceFailed"]},
    }
    events = endpoint.client("events")
    events.put_rule(Name="failed-creations", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="failed-creations", Targets=[{"Id": "topic", "Arn": topic}])
    missing = f"{endpoint.registry}/server@sha256:{'0' * 64}"
    created = deployments.create(
        "no-digest", SourceConfiguration=deployments.configuration(image=missing)
    )

    def notifications() -> list[dict[str, Any]]:
        messages = endpoint.control().call("ListMessages", TopicArn=topic)["Messages"]
        return [json.loads(each["Message"]) for each in messages if each["Type"] == "Notification"]

    [event] = eventually(notifications)
    assert event["resources"] == [created["ServiceArn"]]
    assert event["detail"]["Message"].startswith("Service creation failed.")


def test_a_role_that_cannot_pull_fails(endpoint: AwsEndpoint, deployments: Deployments) -> None:
    role = create_role(
        endpoint,
        "powerless",
        "build.apprunner.amazonaws.com",
        [{"Effect": "Allow", "Action": "ecr:*", "Resource": "arn:aws:ecr:*:*:repository/other"}],
    )
    created = deployments.create(
        "no-access", SourceConfiguration=deployments.configuration(access_role=role)
    )
    service = deployments.settled(created["ServiceArn"])
    assert service["Status"] == "CREATE_FAILED"
    eventually(
        lambda: "lacks ecr:GetAuthorizationToken" in deployments.messages(service, "service")
    )


def test_roles_must_trust_app_runner(endpoint: AwsEndpoint, deployments: Deployments) -> None:
    foreign = create_role(endpoint, "foreign", "lambda.amazonaws.com", [])
    with pytest.raises(ClientError) as access:
        deployments.create(
            "foreign-access",
            SourceConfiguration=deployments.configuration(access_role=foreign),
        )
    assert error_of(access)[0] == "InvalidRequestException"
    assert f"Error in assuming access role {foreign}" in error_of(access)[1]
    with pytest.raises(ClientError) as instance:
        deployments.create("foreign-instance", InstanceConfiguration={"InstanceRoleArn": foreign})
    assert f"Error in assuming instance role {foreign}" in error_of(instance)[1]


async def test_an_instance_that_exits_is_replaced(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    service = deployments.running("dies-once")
    [before] = endpoint.containers("dies-once")
    before.kill()

    def replaced() -> bool:
        found = endpoint.containers("dies-once")
        return [each.id != before.id and each.status == "running" for each in found] == [True]

    await asyncio.to_thread(eventually, replaced)
    async with aiohttp.ClientSession() as session:
        while await status_of(endpoint, service, session) != 200:  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.1)
    eventually(lambda: "exit code 137" in deployments.messages(service, "service"))


async def test_instances_follow_the_concurrency(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    client = endpoint.client("apprunner")
    scaling = client.create_auto_scaling_configuration(
        AutoScalingConfigurationName="two-of-one", MaxConcurrency=1, MinSize=1, MaxSize=2
    )["AutoScalingConfiguration"]
    async with aiohttp.ClientSession() as session:
        with stalling_database(endpoint.bridge_address) as database:
            service = await asyncio.to_thread(
                deployments.running,
                "scales-out",
                SourceConfiguration=deployments.configuration(
                    environment={"NEO4J_MCP_URI": database.uri}
                ),
                AutoScalingConfigurationArn=scaling["AutoScalingConfigurationArn"],
            )
            first = asyncio.ensure_future(status_of(endpoint, service, session, _QUERY))
            await asyncio.to_thread(eventually, lambda: len(database.callers) == 1)
            assert await status_of(endpoint, service, session) == 429
            while await status_of(endpoint, service, session) == 429:  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.1)
            second = asyncio.ensure_future(status_of(endpoint, service, session, _QUERY))
            await asyncio.to_thread(eventually, lambda: len(database.callers) == 2)
            assert await status_of(endpoint, service, session) == 429
            assert len(endpoint.containers("scales-out")) == 2
            # Cancelled requests free their instances.
            for request in (first, second):
                request.cancel()
            while await status_of(endpoint, service, session) == 429:  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.1)
    await asyncio.to_thread(eventually, lambda: len(endpoint.containers("scales-out")) == 1)


def test_pause_resume_deploy_delete(endpoint: AwsEndpoint, deployments: Deployments) -> None:
    client = endpoint.client("apprunner")
    service = deployments.running("lives-fully")
    arn = service["ServiceArn"]
    client.pause_service(ServiceArn=arn)
    assert deployments.settled(arn)["Status"] == "PAUSED"
    assert endpoint.containers("lives-fully") == []
    with pytest.raises(ClientError) as paused:
        client.start_deployment(ServiceArn=arn)
    assert error_of(paused)[0] == "InvalidRequestException"
    client.resume_service(ServiceArn=arn)
    assert deployments.settled(arn)["Status"] == "RUNNING"
    [resumed] = endpoint.containers("lives-fully")
    operation = client.start_deployment(ServiceArn=arn)["OperationId"]
    assert deployments.settled(arn)["Status"] == "RUNNING"
    listed = client.list_operations(ServiceArn=arn, MaxResults=2)
    assert listed["OperationSummaryList"][0]["Id"] == operation
    rest = client.list_operations(ServiceArn=arn, NextToken=listed["NextToken"])
    assert [each["Type"] for each in rest["OperationSummaryList"]] == [
        "PAUSE_SERVICE",
        "CREATE_SERVICE",
    ]
    eventually(lambda: resumed.id not in {each.id for each in endpoint.containers("lives-fully")})
    deleted = client.delete_service(ServiceArn=arn)
    assert deleted["Service"]["Status"] == "OPERATION_IN_PROGRESS"
    gone = deployments.settled(arn)
    assert gone["Status"] == "DELETED"
    assert gone["DeletedAt"] >= gone["CreatedAt"]
    assert endpoint.containers("lives-fully") == []
    assert arn not in [each["ServiceArn"] for each in client.list_services()["ServiceSummaryList"]]
    with pytest.raises(ClientError) as again:
        client.delete_service(ServiceArn=arn)
    assert error_of(again)[0] == "InvalidStateException"
    host, _, port = service["ServiceUrl"].partition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_an_operation_in_progress_blocks_others(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    service = deployments.create("is-busy")
    client = endpoint.client("apprunner")
    with pytest.raises(ClientError) as busy:
        client.delete_service(ServiceArn=service["ServiceArn"])
    assert error_of(busy)[0] == "InvalidStateException"
    with pytest.raises(ClientError) as duplicate:
        deployments.create("is-busy")
    assert error_of(duplicate) == (
        "InvalidRequestException",
        "Service with the provided name already exists: is-busy.",
    )


def test_secrets_need_the_permission_of_the_instance_role(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    arn = endpoint.client("secretsmanager").create_secret(
        Name="levels", SecretString=json.dumps({"level": "debug"})
    )["ARN"]
    allowed = create_role(
        endpoint,
        "reads-secrets",
        "tasks.apprunner.amazonaws.com",
        [{"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arn}],
    )
    source = deployments.configuration(
        RuntimeEnvironmentSecrets={"NEO4J_MCP_LOG_LEVEL": f"{arn}:level::"}
    )
    deployments.running(
        "with-secret",
        SourceConfiguration=source,
        InstanceConfiguration={"InstanceRoleArn": allowed},
    )
    [container] = endpoint.containers("with-secret")
    assert "NEO4J_MCP_LOG_LEVEL=debug" in container.attrs["Config"]["Env"]

    denied = create_role(endpoint, "reads-nothing", "tasks.apprunner.amazonaws.com", [])
    created = deployments.create(
        "without-secret",
        SourceConfiguration=source,
        InstanceConfiguration={"InstanceRoleArn": denied},
    )
    assert deployments.settled(created["ServiceArn"])["Status"] == "CREATE_FAILED"


def test_a_scaling_change_alone_deploys_nothing(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    service = deployments.running("is-rescaled")
    [before] = endpoint.containers("is-rescaled")
    client = endpoint.client("apprunner")
    scaling = client.create_auto_scaling_configuration(
        AutoScalingConfigurationName="at-least-two", MinSize=2, MaxSize=3
    )["AutoScalingConfiguration"]
    scaling_arn = scaling["AutoScalingConfigurationArn"]
    client.update_service(ServiceArn=service["ServiceArn"], AutoScalingConfigurationArn=scaling_arn)
    assert deployments.settled(service["ServiceArn"])["Status"] == "RUNNING"
    eventually(lambda: len(endpoint.containers("is-rescaled")) == 2)
    assert before.id in {each.id for each in endpoint.containers("is-rescaled")}
    with pytest.raises(ClientError) as used:
        client.delete_auto_scaling_configuration(AutoScalingConfigurationArn=scaling_arn)
    assert error_of(used)[0] == "InvalidRequestException"
    assert "is-rescaled" in error_of(used)[1]


def test_an_image_is_removed_with_its_last_service(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    service = deployments.running("pulls-once")
    assert deployments.image in docker_engine.image_names(endpoint.docker)
    client = endpoint.client("apprunner")
    client.delete_service(ServiceArn=service["ServiceArn"])
    deployments.settled(service["ServiceArn"])
    eventually(lambda: deployments.image not in docker_engine.image_names(endpoint.docker))


def test_the_endpoint_responds_during_a_deployment(
    endpoint: AwsEndpoint, deployments: Deployments
) -> None:
    # Its health check never passes, so the deployment lasts until the threshold is reached.
    unhealthy = {"Protocol": "HTTP", "Path": "/missing", "Interval": 1, "UnhealthyThreshold": 5}
    service = deployments.create("goes-on", HealthCheckConfiguration=unhealthy)
    endpoint.client("sts").get_caller_identity()
    described = endpoint.client("apprunner").describe_service(ServiceArn=service["ServiceArn"])
    assert described["Service"]["Status"] == "OPERATION_IN_PROGRESS"
