import json
from pathlib import Path
from typing import Any

import pytest

from components.configuration import ConfigurationError
from components.context import StackContext
from components.hosting.environment import server_environment
from components.hosting.fargate.component import FargateHost, service_url
from components.hosting.fargate.load_balancer import DRAIN_SECONDS, IDLE_SECONDS, bolt_port
from components.hosting.fargate.network import Placement
from components.hosting.fargate.settings import FargateSettings, ServiceDomain
from components.hosting.fargate.task import STOP_SECONDS, container_definitions
from components.hosting.host import InternalOrigin, PublicOrigin
from components.hosting.image_host import ImageHostArgs
from components.image import ServerImage, ServerImageArgs
from server.context import BuildContext
from tests.components.conftest import MakeContext, MakeSettings
from tests.components.mocks import (
    ACCOUNT,
    DIGEST,
    PREFIX_LIST_ID,
    REGION,
    VPC_ID,
    Registration,
    Result,
    run_program,
)

# The server ends a call after 60 s, and ends running calls for up to 65 s before it stops.
SERVER_SECONDS, SERVER_DRAIN_SECONDS = 60, 65
CLUSTER = "aws:ecs/cluster:Cluster"
SERVICE = "aws:ecs/service:Service"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"
LISTENER = "aws:lb/listener:Listener"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
SCALING = "aws:appautoscaling/target:Target"
POLICY = "aws:appautoscaling/policy:Policy"
RECORD = "aws:route53/record:Record"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/neo4j-mcp-dev-server@{DIGEST}"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/0-1"
DOMAIN = {"name": "mcp.example.com", "certificateArn": CERTIFICATE}
BUILD = BuildContext(
    directory=Path(__file__).resolve().parents[3] / "server" / "build" / "contexts" / "1.6.1-0123",
    tag="1.6.1-0123",
    arguments={"VERSION": "1.6.1"},
)
PLACEMENT = Placement(
    vpc_id=VPC_ID,
    subnet_ids=("subnet-0000000a", "subnet-0000000b"),
    load_balancer_subnet_ids=("subnet-0000000c", "subnet-0000000d"),
    assign_public_ip=True,
)


def declare(context: StackContext, placement: Placement = PLACEMENT) -> Result:
    internal = context.settings.host_as(FargateSettings).service_domain is None

    def program() -> dict[str, Any]:
        image = ServerImage("image", ServerImageArgs(context=context, build=BUILD, retention=10))
        host = FargateHost(
            "server",
            ImageHostArgs(context=context, image=image),
            placement=placement,
            cloudfront_addresses=PREFIX_LIST_ID if internal else None,
        )
        origin = host.origin
        assert isinstance(origin, InternalOrigin if internal else PublicOrigin)
        return {"url": host.service_url, **host.outputs}

    return run_program(program)


def public(make_context: MakeContext, **values: Any) -> Result:  # noqa: ANN401  any configured value
    return declare(make_context(hosting="fargate", serviceDomain=DOMAIN, **values))


def internal(make_context: MakeContext, **values: Any) -> Result:  # noqa: ANN401  any configured value
    return declare(make_context(hosting="fargate", edge="true", **values))


def container(result: Result) -> dict[str, Any]:
    (found,) = json.loads(result.one(TASK).inputs["containerDefinitions"])
    return dict(found)


def rules(result: Result, type_: str, group: str) -> list[dict[str, Any]]:
    """Return the rules of a security group, without what is the same for all."""
    return [
        {
            name: value
            for name, value in each.inputs.items()
            if name not in {"securityGroupId", "tags", "description"}
        }
        for each in sorted(result.of_type(type_), key=lambda each: str(each.inputs["fromPort"]))
        if each.inputs["securityGroupId"] == f"sg-of-neo4j-mcp-dev-{group}"
    ]


def test_the_task_runs_the_image_by_digest_with_the_servers_environment(
    make_context: MakeContext,
) -> None:
    context = make_context(hosting="fargate", serviceDomain=DOMAIN, cpu="2048", memory="4096")
    result = declare(context)

    task = result.one(TASK).inputs
    assert (task["cpu"], task["memory"], task["networkMode"]) == ("2048", "4096", "awsvpc")
    assert task["requiresCompatibilities"] == ["FARGATE"]
    assert container(result)["image"] == IMAGE
    environment = {each["name"]: each["value"] for each in container(result)["environment"]}
    assert environment == server_environment(context.settings)
    assert container(result)["portMappings"] == [{"containerPort": 8080, "protocol": "tcp"}]


def test_the_container_has_no_root_and_no_writable_file_system(make_context: MakeContext) -> None:
    found = container(public(make_context))

    assert found["user"] == "65532:65532"
    assert found["readonlyRootFilesystem"] is True
    assert found["essential"] is True


def test_a_log_that_cannot_be_written_does_not_stop_the_server(make_context: MakeContext) -> None:
    result = public(make_context)

    log = container(result)["logConfiguration"]
    assert log["logDriver"] == "awslogs"
    assert log["options"]["mode"] == "non-blocking"
    assert log["options"]["max-buffer-size"] == "4m"
    (group,) = result.of_type(LOG_GROUP)
    assert group.inputs["name"] == "/ecs/neo4j-mcp-dev-server-k3x9q2ab"
    assert log["options"]["awslogs-group"] == group.inputs["name"]
    assert group.inputs["retentionInDays"] == 30


def test_the_definition_is_the_same_whatever_the_order_of_the_variables() -> None:
    def of(environment: dict[str, str]) -> str:
        return container_definitions(
            image="i", environment=environment, log_group="g", region=REGION
        )

    assert of({"A": "1", "B": "2"}) == of({"B": "2", "A": "1"})


def test_every_limit_is_longer_than_the_servers(make_context: MakeContext) -> None:
    result = public(make_context)

    assert SERVER_SECONDS < IDLE_SECONDS
    assert result.one(LOAD_BALANCER).inputs["idleTimeout"] == IDLE_SECONDS
    assert SERVER_SECONDS < DRAIN_SECONDS
    assert result.one(TARGET_GROUP).inputs["deregistrationDelay"] == DRAIN_SECONDS
    # ECS accepts no more than 120 s.
    assert SERVER_DRAIN_SECONDS < STOP_SECONDS <= 120
    assert container(result)["stopTimeout"] == STOP_SECONDS


def test_a_deployment_starts_new_tasks_first_and_is_rolled_back_if_they_fail(
    make_context: MakeContext,
) -> None:
    service = public(make_context, minInstances="2").one(SERVICE).inputs

    assert service["deploymentMinimumHealthyPercent"] == 100
    assert service["deploymentMaximumPercent"] == 200
    assert service["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert service["waitForSteadyState"] is True
    assert service["desiredCount"] == 2
    assert service["enableExecuteCommand"] is False
    assert service["availabilityZoneRebalancing"] == "ENABLED"


@pytest.mark.parametrize("public_address", [True, False])
def test_the_tasks_run_where_the_network_allows(
    make_context: MakeContext, public_address: bool
) -> None:
    placement = Placement(
        vpc_id="vpc-0000000f",
        subnet_ids=("subnet-1", "subnet-2"),
        load_balancer_subnet_ids=("subnet-3", "subnet-4"),
        assign_public_ip=public_address,
    )
    result = declare(make_context(hosting="fargate", serviceDomain=DOMAIN), placement)

    network = result.one(SERVICE).inputs["networkConfiguration"]
    assert network == {
        "subnets": ["subnet-1", "subnet-2"],
        "securityGroups": ["sg-of-neo4j-mcp-dev-tasks"],
        "assignPublicIp": public_address,
    }
    assert result.one(LOAD_BALANCER).inputs["subnets"] == ["subnet-3", "subnet-4"]
    assert result.one(TARGET_GROUP).inputs["vpcId"] == "vpc-0000000f"


def test_with_a_domain_the_load_balancer_is_public_and_speaks_https_only(
    make_context: MakeContext,
) -> None:
    result = public(make_context)

    balancer = result.one(LOAD_BALANCER).inputs
    assert balancer["internal"] is False
    assert balancer["dropInvalidHeaderFields"] is True
    listener = result.one(LISTENER).inputs
    assert (listener["port"], listener["protocol"]) == (443, "HTTPS")
    assert listener["certificateArn"] == CERTIFICATE
    assert listener["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    (action,) = listener["defaultActions"]
    assert action["type"] == "forward"
    assert action["targetGroupArn"].endswith(
        f"targetgroup/{result.one(TARGET_GROUP).inputs['name']}/0123"
    )
    assert result.outputs["url"] == "https://mcp.example.com"


def test_without_a_domain_the_load_balancer_is_internal_and_has_no_address(
    make_context: MakeContext,
) -> None:
    result = internal(make_context)

    assert result.one(LOAD_BALANCER).inputs["internal"] is True
    listener = result.one(LISTENER).inputs
    assert (listener["port"], listener["protocol"]) == (80, "HTTP")
    assert not listener.get("certificateArn")
    assert result.outputs["url"] is None


def test_the_health_check_is_the_servers_own(make_context: MakeContext) -> None:
    group = public(make_context).one(TARGET_GROUP).inputs

    assert (group["targetType"], group["protocol"], group["port"]) == ("ip", "HTTP", 8080)
    check = group["healthCheck"]
    assert (check["path"], check["matcher"]) == ("/healthz", "200")
    assert check["timeout"] < check["interval"]


def test_a_public_load_balancer_accepts_https_and_the_tasks_the_load_balancer_only(
    make_context: MakeContext,
) -> None:
    result = public(make_context)

    everywhere = {"ipProtocol": "tcp", "cidrIpv4": "0.0.0.0/0"}
    tasks, balancer = "sg-of-neo4j-mcp-dev-tasks", "sg-of-neo4j-mcp-dev-load-balancer"
    assert rules(result, INGRESS, "load-balancer") == [
        {**everywhere, "fromPort": 443, "toPort": 443}
    ]
    to_tasks = {"ipProtocol": "tcp", "fromPort": 8080, "toPort": 8080}
    assert rules(result, EGRESS, "load-balancer") == [
        {**to_tasks, "referencedSecurityGroupId": tasks}
    ]
    assert rules(result, INGRESS, "tasks") == [{**to_tasks, "referencedSecurityGroupId": balancer}]
    assert rules(result, EGRESS, "tasks") == [
        {**everywhere, "fromPort": 443, "toPort": 443},
        {**everywhere, "fromPort": 7687, "toPort": 7687},
    ]


def test_an_internal_load_balancer_accepts_cloudfront_only(make_context: MakeContext) -> None:
    (rule,) = rules(internal(make_context), INGRESS, "load-balancer")

    assert rule == {
        "ipProtocol": "tcp",
        "fromPort": 80,
        "toPort": 80,
        "prefixListId": PREFIX_LIST_ID,
    }


def test_the_tasks_reach_the_port_of_the_database(make_context: MakeContext) -> None:
    result = public(make_context, neo4jUri="bolt+s://graph.example.com:9999")

    assert [each["toPort"] for each in rules(result, EGRESS, "tasks")] == [443, 9999]
    behind_443 = public(make_context, neo4jUri="bolt+s://graph.example.com:443")
    # EC2 refuses the same rule twice.
    assert [each["toPort"] for each in rules(behind_443, EGRESS, "tasks")] == [443]


@pytest.mark.parametrize(
    ("uri", "port"),
    [
        ("neo4j+s://0123abcd.databases.neo4j.io", 7687),
        ("neo4j+s://host:7688", 7688),
        ("bolt+s://[::1]:1", 1),
    ],
)
def test_the_port_of_a_database(uri: str, port: int) -> None:
    assert bolt_port(uri) == port


def test_the_roles_may_pull_this_image_and_write_this_log_and_nothing_else(
    make_context: MakeContext,
) -> None:
    result = public(make_context)

    pull, login = result.statements("may-pull")
    assert pull["Resource"].endswith(":repository/neo4j-mcp-dev-server")
    assert login["Action"] == ["ecr:GetAuthorizationToken"]
    (log,) = result.statements("may-log")
    assert log["Resource"].endswith(":log-group:/ecs/neo4j-mcp-dev-server-k3x9q2ab:*")
    roles = {each.inputs["role"] for each in result.of_type(ROLE_POLICY)}
    assert roles == {"neo4j-mcp-dev-task-execution"}
    task = result.one(TASK).inputs
    assert task["executionRoleArn"].endswith("/neo4j-mcp-dev-task-execution")
    assert task["taskRoleArn"].endswith("/neo4j-mcp-dev-task")


def test_the_service_waits_for_the_listener_and_the_permissions(make_context: MakeContext) -> None:
    result = public(make_context)

    # ECS refuses a target group without a load balancer, and the first task pulls the image.
    needed = {result.one(LISTENER).urn, *(each.urn for each in result.of_type(ROLE_POLICY))}
    assert needed <= result.one(SERVICE).dependencies


def test_scaling_follows_requests_and_cpu(make_context: MakeContext) -> None:
    result = public(
        make_context, minInstances="2", maxInstances="7", requestsPerTarget="500", cpuTarget="55"
    )

    target = result.one(SCALING).inputs
    assert (target["minCapacity"], target["maxCapacity"]) == (2, 7)
    assert target["resourceId"] == "service/neo4j-mcp-dev-server/neo4j-mcp-dev-server"

    def configuration(each: Registration) -> dict[str, Any]:
        return dict(each.inputs["targetTrackingScalingPolicyConfiguration"])

    requests = configuration(result.one(POLICY, "requests"))
    assert requests["targetValue"] == 500
    specification = requests["predefinedMetricSpecification"]
    assert specification["predefinedMetricType"] == "ALBRequestCountPerTarget"
    name = result.one(TARGET_GROUP).inputs["name"]
    assert specification["resourceLabel"] == f"app/{name}/0123/targetgroup/{name}/0123"
    cpu = configuration(result.one(POLICY, "cpu"))
    assert cpu["targetValue"] == 55
    assert cpu["predefinedMetricSpecification"] == {
        "predefinedMetricType": "ECSServiceAverageCPUUtilization"
    }


def test_a_hosted_zone_has_the_domains_record(make_context: MakeContext) -> None:
    assert public(make_context).of_type(RECORD) == []
    with_zone = {**DOMAIN, "hostedZoneId": "Z0ABC"}
    result = declare(make_context(hosting="fargate", serviceDomain=with_zone))

    record = result.one(RECORD)
    inputs = record.inputs
    assert (inputs["zoneId"], inputs["name"], inputs["type"]) == ("Z0ABC", "mcp.example.com", "A")
    # Callers follow it to a new load balancer, which first needs healthy tasks.
    assert result.one(SERVICE).urn in record.dependencies
    (alias,) = inputs["aliases"]
    assert alias["name"] == result.outputs["serviceDomainTarget"]


@pytest.mark.parametrize("protected", ["true", "false"])
def test_the_load_balancer_is_protected_as_configured(
    make_context: MakeContext, protected: str
) -> None:
    balancer = public(make_context, deletionProtection=protected).one(LOAD_BALANCER)

    assert balancer.protect is (protected == "true")
    assert balancer.inputs["enableDeletionProtection"] is (protected == "true")


def test_another_vpc_or_another_door_makes_a_new_load_balancer_and_target_group(
    make_context: MakeContext,
) -> None:
    moved = Placement(
        vpc_id="vpc-0000000f",
        subnet_ids=PLACEMENT.subnet_ids,
        load_balancer_subnet_ids=PLACEMENT.load_balancer_subnet_ids,
        assign_public_ip=True,
    )
    results = [
        public(make_context),
        internal(make_context),
        declare(make_context(hosting="fargate", serviceDomain=DOMAIN), moved),
    ]
    for type_ in (LOAD_BALANCER, TARGET_GROUP):
        assert len({each.one(type_).inputs["name"] for each in results}) == len(results)


@pytest.mark.parametrize(
    ("port", "url"), [(443, "https://a.example.com"), (8443, "https://a.example.com:8443")]
)
def test_the_services_url_has_its_port_unless_it_is_https_own(port: int, url: str) -> None:
    domain = ServiceDomain.model_construct(
        name="a.example.com", certificate_arn=CERTIFICATE, hosted_zone_id=None, port=port
    )

    assert service_url(domain) == url


def test_without_a_domain_and_without_the_edge_the_configuration_is_refused(
    make_settings: MakeSettings,
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_settings(hosting="fargate")

    (problem,) = caught.value.problems
    assert problem.key == "neo4j-mcp:serviceDomain"
    assert problem.commands == (
        "pulumi config set --path neo4j-mcp:serviceDomain.name mcp.example.com",
        "pulumi config set neo4j-mcp:edge true",
    )
    make_settings(hosting="fargate", edge="true")
    make_settings(hosting="fargate", serviceDomain=DOMAIN)
