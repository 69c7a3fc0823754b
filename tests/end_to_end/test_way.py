"""The deployed stack with each vendor's own client: OAuth, Bolt, MCP, AWS and Docker."""

import base64
import datetime as dt
import ssl
from typing import Any

import docker
import httpx2
import jwt
import neo4j
import pytest
from neo4j.exceptions import ClientError, Forbidden

from automation.deployment import Deployment
from automation.hosting.containers import kill
from demo import scenario
from demo.calls import call_tool, connect
from demo.stand_in import read_credentials
from localcloud.cloud import Cloud
from localcloud.labels import OWNER_LABEL
from localcloud.paths import Home
from neo4j_mcp_client import ClientCredentials, TokenProvider
from tests.stand_in import Aws
from tests.waiting import wait_until

pytestmark = pytest.mark.stand_in


@pytest.fixture
def tls(running: Cloud) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(Home(running.home).certificate_bundle))


@pytest.fixture
def credentials(running: Cloud, outputs: dict[str, Any]) -> dict[str, ClientCredentials]:
    """Each client's credentials, from its secret."""
    return {
        name: read_credentials(running, client["secretArn"])
        for name, client in outputs["clients"].items()
    }


@pytest.fixture
def tokens(credentials: dict[str, ClientCredentials]) -> dict[str, str]:
    return {name: TokenProvider(each).token().value for name, each in credentials.items()}


@pytest.fixture
def service(aws: Aws) -> dict[str, Any]:
    (summary,) = aws("apprunner").list_services()["ServiceSummaryList"]
    answer = aws("apprunner").describe_service(ServiceArn=summary["ServiceArn"])
    found: dict[str, Any] = answer["Service"]
    return found


def test_a_token_carries_audience_and_groups_and_verifies_with_the_published_keys(
    outputs: dict[str, Any], tokens: dict[str, str]
) -> None:
    discovery = httpx2.get(outputs["discoveryUrl"], timeout=10).json()
    assert discovery["issuer"] == outputs["issuer"]
    assert discovery["jwks_uri"] == outputs["jwksUrl"]
    keys = jwt.PyJWKClient(outputs["jwksUrl"])
    for name, token in tokens.items():
        client_id = outputs["clients"][name]["clientId"]
        claims = jwt.decode(
            token,
            keys.get_signing_key_from_jwt(token).key,
            algorithms=["RS256"],
            audience=client_id,
            issuer=outputs["issuer"],
        )
        scopes = outputs["clients"][name]["scopes"]
        assert sorted(claims["groups"]) == sorted(each.rpartition("/")[2] for each in scopes)
        assert claims["client_id"] == client_id
        assert claims["token_use"] == "access"


def _driver(running: Cloud, token: str, monkeypatch: pytest.MonkeyPatch) -> neo4j.Driver:
    monkeypatch.setenv("SSL_CERT_FILE", str(Home(running.home).certificate_bundle))
    return neo4j.GraphDatabase.driver(running.bolt_uri, auth=neo4j.bearer_auth(token))


def test_the_driver_reads_and_the_reader_cannot_write(
    running: Cloud, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with _driver(running, tokens["writer"], monkeypatch) as driver:
        driver.execute_query("MERGE (:Probe {name: 'driver'})")
    with _driver(running, tokens["reader"], monkeypatch) as driver:
        found = driver.execute_query("MATCH (p:Probe) RETURN count(p) AS probes").records
        assert found[0]["probes"] == 1
        with pytest.raises(Forbidden) as raised:
            driver.execute_query("CREATE (:Intruder)")
        assert raised.value.code == "Neo.ClientError.Security.Forbidden"
    with _driver(running, tokens["writer"], monkeypatch) as driver:
        driver.execute_query("MATCH (p:Probe) DELETE p")
        counted = driver.execute_query("MATCH (n:Intruder) RETURN count(n) AS n").records
        assert counted[0]["n"] == 0


def test_a_forged_token_is_refused(
    running: Cloud, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    header, payload, signature = tokens["writer"].split(".")
    forged = f"{header}.{payload}.{signature[:-8]}{signature[-8:][::-1]}"
    with _driver(running, forged, monkeypatch) as driver, pytest.raises(ClientError) as raised:
        driver.verify_connectivity()
    assert raised.value.code == "Neo.ClientError.Security.Unauthorized"


async def test_the_mcp_sdk_lists_and_calls_tools(
    credentials: dict[str, ClientCredentials], tls: ssl.SSLContext
) -> None:
    reader = credentials["reader"]
    async with connect(reader.mcp_url, TokenProvider(reader), tls) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert {"get-schema", "read-cypher", "write-cypher"} <= names
        rows = await call_tool(client, "read-cypher", {"query": "RETURN 40 + 2 AS answer"})
        assert rows == [{"answer": 42}]


async def test_a_date_time_with_a_named_zone_keeps_its_value(
    credentials: dict[str, ClientCredentials], tls: ssl.SSLContext
) -> None:
    reader = credentials["reader"]
    query = "RETURN datetime('2025-09-04T10:11:12[Europe/Berlin]') AS v"
    async with connect(reader.mcp_url, TokenProvider(reader), tls) as client:
        rows = await call_tool(client, "read-cypher", {"query": query})
    assert rows == [{"v": "2025-09-04T10:11:12+02:00"}]


async def test_every_step_of_the_demo_passes(
    running: Cloud, outputs: dict[str, Any], credentials: dict[str, ClientCredentials]
) -> None:
    bundle = Home(running.home).certificate_bundle
    done = scenario.run(credentials["reader"], credentials["writer"], outputs["auraSso"], bundle)
    steps = [step async for step in done]
    assert len(steps) == 10
    assert [step for step in steps if not step.passed] == []


def test_app_runner_shows_the_service_as_configured(
    deployed: Deployment, service: dict[str, Any]
) -> None:
    assert service["Status"] == "RUNNING"
    assert service["HealthCheckConfiguration"]["Protocol"] == "HTTP"
    assert service["HealthCheckConfiguration"]["Path"] == "/healthz"
    image = service["SourceConfiguration"]["ImageRepository"]
    assert image["ImageIdentifier"].endswith(f"@{deployed.outputs()['imageDigest']}")
    environment = image["ImageConfiguration"]["RuntimeEnvironmentVariables"]
    assert environment["NEO4J_MCP_TELEMETRY"] == "false"
    assert not [name for name in environment if "PASSWORD" in name or "USERNAME" in name]


def test_docker_pulls_the_pushed_digest(running: Cloud, outputs: dict[str, Any], aws: Aws) -> None:
    ecr = aws("ecr")
    (repository,) = ecr.describe_repositories()["repositories"]
    client = docker.DockerClient(base_url=running.docker_host)
    grant = ecr.get_authorization_token()["authorizationData"][0]
    registry = grant["proxyEndpoint"].removeprefix("http://").removeprefix("https://")
    assert repository["repositoryUri"].startswith(f"{registry}/")
    password = base64.b64decode(grant["authorizationToken"]).decode().partition(":")[2]
    reference = f"{repository['repositoryUri']}@{outputs['imageDigest']}"
    image = client.images.pull(reference, auth_config={"username": "AWS", "password": password})
    assert image.attrs["Config"]["User"] == "65532:65532"
    client.close()


def _containers(running: Cloud, client: docker.DockerClient) -> list[Any]:
    owner = Home(running.home).owner
    found: list[Any] = client.containers.list(
        ignore_removed=True, filters={"label": f"{OWNER_LABEL}={owner}"}
    )
    return found


def test_a_killed_container_is_replaced(
    running: Cloud, outputs: dict[str, Any], tls: ssl.SSLContext
) -> None:
    client = docker.DockerClient(base_url=running.docker_host)
    before = {container.id for container in _containers(running, client)}
    assert before
    for container in _containers(running, client):
        kill(container)
    after = wait_until(
        lambda: {container.id for container in _containers(running, client)} - before,
        "a new container",
    )
    assert after.isdisjoint(before)

    def healthy() -> bool:
        return httpx2.get(f"{outputs['serviceUrl']}/healthz", verify=tls).status_code == 200

    wait_until(healthy, "a healthy service")
    client.close()


def test_logs_and_metrics_show_the_traffic(
    service: dict[str, Any], outputs: dict[str, Any], aws: Aws, tls: ssl.SSLContext
) -> None:
    for _ in range(5):
        response = httpx2.post(
            outputs["mcpUrl"],
            json={"jsonrpc": "2.0", "id": 1, "method": "ping"},
            headers={"Accept": "application/json, text/event-stream"},
            verify=tls,
        )
        assert response.status_code == 200
    logs = aws("logs")
    prefix = f"/aws/apprunner/{service['ServiceName']}/{service['ServiceId']}"
    for kind in ("service", "application"):
        wait_until(
            lambda kind=kind: logs.filter_log_events(logGroupName=f"{prefix}/{kind}")["events"],  # type: ignore[misc]
            f"events in {prefix}/{kind}",
        )

    def requests() -> float:
        now = dt.datetime.now(dt.UTC)
        points = aws("cloudwatch").get_metric_statistics(
            Namespace="AWS/AppRunner",
            MetricName="Requests",
            Dimensions=[
                {"Name": "ServiceName", "Value": service["ServiceName"]},
                {"Name": "ServiceID", "Value": service["ServiceId"]},
            ],
            StartTime=now - dt.timedelta(minutes=30),
            EndTime=now + dt.timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return float(sum(point["Sum"] for point in points))

    assert wait_until(lambda: requests() >= 5, "five requests in the metric")


def test_the_stack_has_every_resource(deployed: Deployment) -> None:
    assert deployed.preview().none
