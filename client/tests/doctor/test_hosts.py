"""The service in AWS, found by its address."""

import boto3
import pytest
from botocore.stub import Stubber

from neo4j_mcp_client.doctor import app_runner, edge, fargate, lambda_
from neo4j_mcp_client.doctor.evidence import HostKind

HOST = "abc.lambda-url.eu-west-1.on.aws"
HOSTS = {HOST, "mcp.example.com"}
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:server"
SERVICE_ARN = "arn:aws:apprunner:eu-west-1:123456789012:service/server/0123"
BALANCER = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/x/1"
GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/x/2"
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/mine"
OTHER_CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/other"
ECS_SERVICE = "arn:aws:ecs:eu-west-1:123456789012:service/mine/server"
TASK = "arn:aws:ecs:eu-west-1:123456789012:task-definition/server:3"
BALANCER_NAME = "x-1.eu-west-1.elb.amazonaws.com"
DISTRIBUTION_ARN = "arn:aws:cloudfront::123456789012:distribution/E1"


def stub(service: str) -> Stubber:
    client = boto3.client(
        service,  # type: ignore[call-overload] # the name is no literal
        region_name="eu-west-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    made = Stubber(client)
    made.activate()
    return made


def described(name: str, **variables: str) -> dict[str, object]:
    return {
        "FunctionName": name,
        "FunctionArn": ARN,
        "LoggingConfig": {"LogGroup": f"/aws/lambda/{name}-log"},
        "Environment": {"Variables": variables},
    }


def urls(host: str) -> dict[str, object]:
    config = {
        "FunctionUrl": f"https://{host}/",
        "FunctionArn": ARN,
        "CreationTime": "2026-01-01T00:00:00.000+0000",
        "LastModifiedTime": "2026-01-01T00:00:00.000+0000",
        "AuthType": "NONE",
    }
    return {"FunctionUrlConfigs": [config]}


@pytest.mark.parametrize(
    ("reserved", "paused"), [({"ReservedConcurrentExecutions": 0}, True), ({}, False)]
)
def test_the_function_with_the_address_is_found_on_any_page(
    reserved: dict[str, int],
    paused: bool,
) -> None:
    made = stub("lambda")
    other = described("other", NEO4J_MCP_LOG_LEVEL="info")
    first = {"Functions": [described("unrelated", PATH="x"), other], "NextMarker": "m"}
    made.add_response("list_functions", first)
    made.add_response("list_function_url_configs", urls("other.lambda-url.eu-west-1.on.aws"))
    server = described("server", NEO4J_MCP_TELEMETRY="false")
    made.add_response("list_functions", {"Functions": [server]}, {"Marker": "m"})
    made.add_response("list_function_url_configs", urls(HOST), {"FunctionName": "server"})
    live = described("server", NEO4J_MCP_TELEMETRY="true")
    made.add_response("get_function_configuration", live, {"FunctionName": ARN})
    made.add_response("get_function_concurrency", reserved)

    found = lambda_.service_at(made.client, HOSTS)

    assert found is not None
    assert (found.host, found.arn, found.is_paused) == (HostKind.LAMBDA, ARN, paused)
    assert found.environment == {"NEO4J_MCP_TELEMETRY": "true"}
    assert "/aws/lambda/server-log" in found.status
    made.assert_no_pending_responses()


def test_no_function_has_the_address() -> None:
    made = stub("lambda")
    made.add_response("list_functions", {"Functions": [described("unrelated", PATH="x")]})

    assert lambda_.service_at(made.client, HOSTS) is None


def test_a_paused_service_of_app_runner_is_found() -> None:
    made = stub("apprunner")
    summary = {"ServiceUrl": "x.awsapprunner.com", "ServiceArn": SERVICE_ARN}
    made.add_response("list_services", {"ServiceSummaryList": [], "NextToken": "more"})
    made.add_response("list_services", {"ServiceSummaryList": [summary]})
    service = {
        "ServiceName": "server",
        "ServiceId": "0123456789abcdef0123456789abcdef",
        "ServiceArn": SERVICE_ARN,
        "ServiceUrl": "x.awsapprunner.com",
        "CreatedAt": "2026-01-01",
        "UpdatedAt": "2026-01-01",
        "Status": "PAUSED",
        "SourceConfiguration": {},
        "InstanceConfiguration": {},
        "NetworkConfiguration": {},
        "AutoScalingConfigurationSummary": {},
    }
    made.add_response("describe_service", {"Service": service})

    found = app_runner.service_at(made.client, {"x.awsapprunner.com"})

    assert found is not None
    assert (found.host, found.status, found.is_paused) == (HostKind.APP_RUNNER, "PAUSED", True)


def ecs_service(group: str = GROUP, status: str = "ACTIVE", **more: object) -> dict[str, object]:
    return {
        "serviceArn": ECS_SERVICE,
        "clusterArn": CLUSTER,
        "status": status,
        "desiredCount": 2,
        "runningCount": 1,
        "taskDefinition": TASK,
        "loadBalancers": [{"targetGroupArn": group}],
        "events": [{"message": "was unable to place a task"}, {"message": "older"}],
        **more,
    }


def balancing(*health: dict[str, str]) -> Stubber:
    """Return a stub with a load balancer on the second page, and with its targets."""
    made = stub("elbv2")
    other = {"DNSName": "other.elb.amazonaws.com", "LoadBalancerArn": "arn:other"}
    mine = {"DNSName": BALANCER_NAME.replace("x", "X"), "LoadBalancerArn": BALANCER}
    made.add_response("describe_load_balancers", {"LoadBalancers": [other], "NextMarker": "m"})
    made.add_response("describe_load_balancers", {"LoadBalancers": [mine]}, {"Marker": "m"})
    groups = {"TargetGroups": [{"TargetGroupArn": GROUP}]}
    made.add_response("describe_target_groups", groups, {"LoadBalancerArn": BALANCER})
    targets = [{"TargetHealth": each} for each in health]
    made.add_response(
        "describe_target_health", {"TargetHealthDescriptions": targets}, {"TargetGroupArn": GROUP}
    )
    return made


def containers(*services: dict[str, object]) -> Stubber:
    """Return a stub with services in the second cluster, and with their task definition."""
    made = stub("ecs")
    made.add_response("list_clusters", {"clusterArns": [OTHER_CLUSTER, CLUSTER]})
    made.add_response("list_services", {"serviceArns": []}, {"cluster": OTHER_CLUSTER} | PAGE)
    listed = {"serviceArns": [ECS_SERVICE]}
    made.add_response("list_services", listed, {"cluster": CLUSTER} | PAGE)
    wanted = {"cluster": CLUSTER, "services": [ECS_SERVICE]}
    made.add_response("describe_services", {"services": list(services)}, wanted)
    variables = [{"name": "NEO4J_MCP_TELEMETRY", "value": "false"}]
    task = {"containerDefinitions": [{"name": "server", "environment": variables}]}
    made.add_response("describe_task_definition", {"taskDefinition": task})
    return made


PAGE = {"maxResults": 10}


@pytest.mark.parametrize(
    ("desired", "health", "paused", "healthy"),
    [
        (2, [{"State": "healthy"}, {"State": "unhealthy", "Description": "code 502"}], False, True),
        (2, [{"State": "unhealthy", "Description": "code 502"}], False, False),
        (2, [], False, False),
        (0, [], True, False),
    ],
)
def test_the_tasks_behind_the_load_balancer_are_found(
    desired: int, health: list[dict[str, str]], paused: bool, healthy: bool
) -> None:
    ecs = containers(
        ecs_service("arn:another-group"),
        ecs_service(status="INACTIVE"),
        ecs_service(desiredCount=desired),
    )
    clients = {"elbv2": balancing(*health), "ecs": ecs}

    found = fargate.service_at(lambda name: clients[name].client, {BALANCER_NAME})

    assert found is not None
    assert (found.host, found.arn) == (HostKind.FARGATE, ECS_SERVICE)
    assert (found.is_paused, found.is_healthy) == (paused, healthy)
    assert found.environment == {"NEO4J_MCP_TELEMETRY": "false"}
    assert f"1 of {desired} tasks run" in found.status
    assert "in the cluster mine" in found.status
    assert "was unable to place a task" in found.status
    assert ("code 502" in found.status) is any("Description" in each for each in health)
    for made in clients.values():
        made.assert_no_pending_responses()


def test_no_load_balancer_has_the_address() -> None:
    made = stub("elbv2")
    other = {"DNSName": "other.elb.amazonaws.com", "LoadBalancerArn": "arn:other"}
    made.add_response("describe_load_balancers", {"LoadBalancers": [other]})

    assert fargate.service_at({"elbv2": made.client}.__getitem__, {BALANCER_NAME}) is None


def cloudfront(*distributions: dict[str, object]) -> Stubber:
    """Return a stub with distributions on the second of two pages."""
    made = stub("cloudfront")
    page = {"Marker": "", "MaxItems": 100, "Quantity": 0, "IsTruncated": True, "NextMarker": "m"}
    made.add_response("list_distributions", {"DistributionList": page})
    last = {"Marker": "m", "MaxItems": 100, "Quantity": len(distributions), "IsTruncated": False}
    listed = last | ({"Items": list(distributions)} if distributions else {})
    made.add_response("list_distributions", {"DistributionList": listed}, {"Marker": "m"})
    return made


def distribution(enabled: bool, *aliases: str) -> dict[str, object]:
    return {
        "Id": "E1",
        "ARN": DISTRIBUTION_ARN,
        "Status": "Deployed",
        "DomainName": "d1.cloudfront.net",
        "Aliases": {"Quantity": len(aliases), **({"Items": list(aliases)} if aliases else {})},
        "Enabled": enabled,
        "LastModifiedTime": "2026-01-01T00:00:00Z",
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "mcp.example.com"}]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        "CacheBehaviors": {"Quantity": 0},
        "CustomErrorResponses": {"Quantity": 0},
        "Comment": "",
        "PriceClass": "PriceClass_100",
        "ViewerCertificate": {},
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": False,
        "Staging": False,
    }


@pytest.mark.parametrize("host", ["d1.cloudfront.net", "edge.example.com"])
@pytest.mark.parametrize("enabled", [True, False])
def test_an_edge_is_found_by_each_of_its_names_if_it_is_disabled(host: str, enabled: bool) -> None:
    client = cloudfront(distribution(enabled, "edge.example.com")).client

    found = edge.disabled_at(client, {host})

    assert (found is None) is enabled
    if found is not None:
        assert (found.host, found.arn, found.is_paused) == (HostKind.EDGE, DISTRIBUTION_ARN, True)


def test_another_distribution_is_no_edge_of_the_stack() -> None:
    for made in (cloudfront(distribution(False)), cloudfront()):
        assert edge.disabled_at(made.client, {"edge.example.com"}) is None
