import json
import re
from collections.abc import Mapping
from typing import Any

import pulumi_aws as aws
import pytest

from components.aura import neo4j_conf
from components.configuration import ConfigurationError
from components.hosting.definitions import DEFINITIONS
from components.policies import ACTIONS_WITHOUT_RESOURCE
from components.settings import Hosting
from tests.components.mocks import ACCOUNT, DIGEST, POOL_ID, REGION, Registration
from tests.program.conftest import ON_FARGATE, ON_LAMBDA, ROOT, Deploy

STACKS = ["dev", "prod", "local"]
HOSTS: Mapping[Hosting, Mapping[str, str]] = {
    Hosting.APP_RUNNER: {},
    Hosting.FARGATE: ON_FARGATE,
    Hosting.LAMBDA: ON_LAMBDA,
}
OUTPUTS = {
    "mcpUrl",
    "serviceUrl",
    "tokenUrl",
    "issuer",
    "discoveryUrl",
    "jwksUrl",
    "resourceServerIdentifier",
    "scopes",
    "clients",
    "rotationFunction",
    "tokenDomainTarget",
    "auraSso",
    "neo4jConf",
    "readme",
}
# Production has monitoring.
MONITORING_OUTPUTS: Mapping[str, set[str]] = {"prod": {"alarmTopicArn", "dashboard"}}
SERVICE = "aws:apprunner/service:Service"
IMAGE = "docker:index/image:Image"
INVOCATION = "aws:lambda/invocation:Invocation"
SECRET = "aws:secretsmanager/secret:Secret"
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"

# Every type that the program uses; the stand-in cloud supports no others.
TYPES: Mapping[str, Any] = {
    "aws:appautoscaling/policy:Policy": aws.appautoscaling.Policy,
    "aws:appautoscaling/target:Target": aws.appautoscaling.Target,
    "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion": (
        aws.apprunner.AutoScalingConfigurationVersion
    ),
    "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration": (
        aws.apprunner.ObservabilityConfiguration
    ),
    SERVICE: aws.apprunner.Service,
    "aws:cloudfront/distribution:Distribution": aws.cloudfront.Distribution,
    "aws:cloudfront/function:Function": aws.cloudfront.Function,
    "aws:cloudfront/vpcOrigin:VpcOrigin": aws.cloudfront.VpcOrigin,
    "aws:ec2/securityGroup:SecurityGroup": aws.ec2.SecurityGroup,
    "aws:ecs/cluster:Cluster": aws.ecs.Cluster,
    "aws:ecs/service:Service": aws.ecs.Service,
    "aws:ecs/taskDefinition:TaskDefinition": aws.ecs.TaskDefinition,
    "aws:lb/listener:Listener": aws.lb.Listener,
    "aws:lb/loadBalancer:LoadBalancer": aws.lb.LoadBalancer,
    "aws:lb/targetGroup:TargetGroup": aws.lb.TargetGroup,
    "aws:route53/record:Record": aws.route53.Record,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": aws.vpc.SecurityGroupEgressRule,
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": aws.vpc.SecurityGroupIngressRule,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": aws.cloudwatch.CompositeAlarm,
    "aws:cloudwatch/dashboard:Dashboard": aws.cloudwatch.Dashboard,
    "aws:cloudwatch/eventRule:EventRule": aws.cloudwatch.EventRule,
    "aws:cloudwatch/eventTarget:EventTarget": aws.cloudwatch.EventTarget,
    "aws:cloudwatch/logGroup:LogGroup": aws.cloudwatch.LogGroup,
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": aws.cloudwatch.LogMetricFilter,
    "aws:cloudwatch/metricAlarm:MetricAlarm": aws.cloudwatch.MetricAlarm,
    "aws:cognito/resourceServer:ResourceServer": aws.cognito.ResourceServer,
    "aws:cognito/userPool:UserPool": aws.cognito.UserPool,
    "aws:cognito/userPoolClient:UserPoolClient": aws.cognito.UserPoolClient,
    "aws:cognito/userPoolDomain:UserPoolDomain": aws.cognito.UserPoolDomain,
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": aws.ecr.LifecyclePolicy,
    "aws:ecr/repository:Repository": aws.ecr.Repository,
    "aws:iam/role:Role": aws.iam.Role,
    "aws:iam/rolePolicy:RolePolicy": aws.iam.RolePolicy,
    "aws:lambda/alias:Alias": aws.lambda_.Alias,
    "aws:lambda/function:Function": aws.lambda_.Function,
    "aws:lambda/functionUrl:FunctionUrl": aws.lambda_.FunctionUrl,
    INVOCATION: aws.lambda_.Invocation,
    "aws:lambda/permission:Permission": aws.lambda_.Permission,
    SECRET: aws.secretsmanager.Secret,
    ROTATION: aws.secretsmanager.SecretRotation,
    "aws:sns/topic:Topic": aws.sns.Topic,
    "aws:sns/topicPolicy:TopicPolicy": aws.sns.TopicPolicy,
    "aws:sns/topicSubscription:TopicSubscription": aws.sns.TopicSubscription,
    "aws:wafv2/webAcl:WebAcl": aws.wafv2.WebAcl,
}
COMPONENTS = {
    "neo4j-mcp:edge:Edge",
    "neo4j-mcp:image:ServerImage",
    "neo4j-mcp:identity:Identity",
    "neo4j-mcp:hosting:AppRunnerHost",
    "neo4j-mcp:hosting:AppRunnerLogs",
    "neo4j-mcp:hosting:FargateHost",
    "neo4j-mcp:hosting:FargateLoadBalancer",
    "neo4j-mcp:hosting:LambdaHost",
    "neo4j-mcp:credentials:ClientCredentials",
    "neo4j-mcp:monitoring:AlarmTopic",
    "neo4j-mcp:monitoring:Canary",
    "neo4j-mcp:monitoring:Monitoring",
    "neo4j-mcp:rotation:RotationFunction",
}
MONITORED = {
    "neo4j-mcp:monitoring": json.dumps(
        {
            "enabled": True,
            "subscriptions": {"oncall": {"protocol": "email", "endpoint": "oncall@example.com"}},
        }
    )
}


def is_taggable(type_: str) -> bool:
    return hasattr(TYPES[type_], "tags")


@pytest.mark.parametrize("stack", STACKS)
def test_each_stack_has_all_outputs(deploy: Deploy, stack: str) -> None:
    outputs = deploy(stack).outputs

    assert set(outputs) == OUTPUTS | {"imageDigest"} | MONITORING_OUTPUTS.get(stack, set())
    assert outputs["serviceUrl"] == f"https://abc.{REGION}.awsapprunner.com"
    assert outputs["mcpUrl"] == f"{outputs['serviceUrl']}/mcp"
    assert outputs["issuer"] == f"https://cognito-idp.{REGION}.amazonaws.com/{POOL_ID}"
    assert outputs["resourceServerIdentifier"] == "neo4j-mcp"
    assert outputs["scopes"] == {"neo4j-mcp/reader": "reader", "neo4j-mcp/writer": "publisher"}
    assert outputs["imageDigest"] == DIGEST
    assert outputs["rotationFunction"] == f"neo4j-mcp-{stack}-rotation"


@pytest.mark.parametrize("hosting", HOSTS)
@pytest.mark.parametrize("stack", STACKS)
def test_with_an_edge_every_host_keeps_its_own_address(
    deploy: Deploy, stack: str, hosting: Hosting
) -> None:
    without = deploy(stack, HOSTS[hosting]).outputs
    result = deploy(stack, {**HOSTS[hosting], "neo4j-mcp:edge": "true"})

    assert result.outputs["edgeUrl"] == "https://d222222abcdef8.cloudfront.net/mcp"
    own = {"edgeUrl", "edgeDomainTarget"}
    assert {name: each for name, each in result.outputs.items() if name not in own} == without
    (origin,) = result.one("aws:cloudfront/distribution:Distribution").inputs["origins"]
    assert without["serviceUrl"] == f"https://{origin['domainName']}"


def test_every_host_has_a_configuration_here() -> None:
    assert set(HOSTS) == set(DEFINITIONS)


@pytest.mark.parametrize("hosting", HOSTS)
@pytest.mark.parametrize("stack", STACKS)
def test_every_host_has_the_same_outputs_and_its_own(
    deploy: Deploy, stack: str, hosting: Hosting
) -> None:
    outputs = deploy(stack, HOSTS[hosting]).outputs

    own = {*DEFINITIONS[hosting].outputs, *MONITORING_OUTPUTS.get(stack, ())}
    assert set(outputs) == OUTPUTS | own
    assert outputs["mcpUrl"] == f"{outputs['serviceUrl']}/mcp"
    assert re.fullmatch(r"https://[\w.-]+", outputs["serviceUrl"])


@pytest.mark.parametrize("stack", STACKS)
def test_on_lambda_there_is_no_registry_and_no_image(deploy: Deploy, stack: str) -> None:
    types = {each.type for each in deploy(stack, ON_LAMBDA).registrations}

    assert "aws:lambda/functionUrl:FunctionUrl" in types
    assert not [
        each for each in types if each.startswith(("aws:ecr/", "docker:", "aws:apprunner/"))
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_without_a_domain_of_the_load_balancer_the_edges_address_is_the_only_one(
    deploy: Deploy, stack: str
) -> None:
    only_edge = {"neo4j-mcp:edge": "true", "neo4j-mcp:serviceDomain": "{}"}
    result = deploy(stack, {**ON_FARGATE, **only_edge})

    outputs = result.outputs
    assert outputs["serviceUrl"] == "https://d222222abcdef8.cloudfront.net"
    assert outputs["mcpUrl"] == outputs["edgeUrl"] == f"{outputs['serviceUrl']}/mcp"
    events = [json.loads(each.inputs["input"]) for each in result.of_type(INVOCATION)]
    assert {event["mcpUrl"] for event in events} == {outputs["mcpUrl"]}
    (origin,) = result.one("aws:cloudfront/distribution:Distribution").inputs["origins"]
    assert origin["vpcOriginConfig"]["vpcOriginId"] == "vo_0123"


@pytest.mark.parametrize("stack", STACKS)
def test_moving_between_hosts_keeps_identity_and_clients(deploy: Deploy, stack: str) -> None:
    def kept(changes: Mapping[str, str]) -> dict[str, Any]:
        return {
            each.urn: each.inputs
            for each in deploy(stack, changes).registrations
            if each.type.startswith(("aws:cognito/", "aws:secretsmanager/secret:"))
        }

    assert kept({}) == kept(ON_LAMBDA) == kept(ON_FARGATE)


def test_on_aws_the_addresses_are_cognitos(deploy: Deploy) -> None:
    outputs = deploy("prod").outputs

    assert outputs["tokenUrl"] == (
        f"https://neo4j-mcp-prod-k3x9q2ab.auth.{REGION}.amazoncognito.com/oauth2/token"
    )
    assert outputs["discoveryUrl"] == f"{outputs['issuer']}/.well-known/openid-configuration"
    assert outputs["jwksUrl"] == f"{outputs['issuer']}/.well-known/jwks.json"


def test_on_the_stand_in_the_addresses_are_this_machines_and_the_issuer_is_cognitos(
    deploy: Deploy,
) -> None:
    outputs = deploy("local").outputs

    base = f"http://localhost:4566/{POOL_ID}/.well-known"
    assert outputs["tokenUrl"] == "http://localhost:4566/oauth2/token"
    assert outputs["discoveryUrl"] == f"{base}/openid-configuration"
    assert outputs["jwksUrl"] == f"{base}/jwks.json"
    assert outputs["issuer"] == f"https://cognito-idp.{REGION}.amazonaws.com/{POOL_ID}"


@pytest.mark.parametrize(
    ("stack", "clients", "rotation"),
    [
        (
            "dev",
            {"agent": (["reader"], 60), "loader": (["reader", "writer"], 60)},
            {"rotationDays": 7, "overlapHours": 1},
        ),
        (
            "prod",
            {
                "canary": (["reader"], 60),
                "agent": (["reader"], 30),
                "loader": (["reader", "writer"], 30),
            },
            {"rotationDays": 30, "overlapHours": 24},
        ),
        (
            "local",
            {"reader": (["reader"], 5), "writer": (["reader", "writer"], 60)},
            {"rotationDays": 2, "overlapHours": 0},
        ),
    ],
)
def test_the_clients_are_listed_without_their_secrets(
    deploy: Deploy,
    stack: str,
    clients: dict[str, tuple[list[str], int]],
    rotation: dict[str, int],
) -> None:
    result = deploy(stack)

    assert result.outputs["clients"] == {
        name: {
            "clientId": f"id-of-neo4j-mcp-{stack}-{name}",
            "secretArn": (
                f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}"
                f":secret:neo4j-mcp-{stack}-{name}-credentials-k3x9q2ab"
            ),
            "scopes": [f"neo4j-mcp/{scope}" for scope in scopes],
            "enabled": True,
            "tokenValidityMinutes": minutes,
            **rotation,
        }
        for name, (scopes, minutes) in clients.items()
    }
    assert result.secret_outputs == frozenset()
    assert "secret-of-" not in json.dumps(dict(result.outputs))


@pytest.mark.parametrize("stack", STACKS)
def test_the_aura_settings_list_every_client_and_the_mapping(deploy: Deploy, stack: str) -> None:
    outputs = deploy(stack).outputs

    assert outputs["auraSso"] == {
        "discoveryUri": outputs["discoveryUrl"],
        "audience": [client["clientId"] for client in outputs["clients"].values()],
        "usernameClaim": "sub",
        "groupsClaim": "groups",
        "groupToRoleMapping": '"reader"=reader;"writer"=publisher',
    }
    assert outputs["neo4jConf"] == neo4j_conf(outputs["auraSso"])


def test_a_disabled_client_is_listed_and_not_in_neo4js_audience(deploy: Deploy) -> None:
    changes = {
        "neo4j-mcp:clients": json.dumps(
            {"agent": {"scopes": ["reader"], "enabled": False}, "loader": {"scopes": ["reader"]}}
        )
    }
    outputs = deploy("dev", changes).outputs

    assert outputs["clients"]["agent"]["enabled"] is False
    assert outputs["auraSso"]["audience"] == [outputs["clients"]["loader"]["clientId"]]


@pytest.mark.parametrize("stack", STACKS)
def test_a_clients_secret_names_the_stacks_own_addresses(deploy: Deploy, stack: str) -> None:
    result = deploy(stack)

    # The engine registers the publications in any order.
    events = [json.loads(each.inputs["input"]) for each in result.of_type(INVOCATION)]
    found = {event["publish"]: event for event in events if "publish" in event}
    listed = {each["secretArn"]: each for each in result.outputs["clients"].values()}
    assert found.keys() == listed.keys()
    for arn, event in found.items():
        assert event["clientId"] == listed[arn]["clientId"]
        assert event["scopes"] == listed[arn]["scopes"]
        assert event["mcpUrl"] == result.outputs["mcpUrl"]
        assert event["tokenUrl"] == result.outputs["tokenUrl"]


@pytest.mark.parametrize("hosting", HOSTS)
@pytest.mark.parametrize("stack", STACKS)
def test_client_secrets_are_in_no_resource_and_no_output(
    deploy: Deploy, stack: str, hosting: Hosting
) -> None:
    # The provider returns the secret that Cognito makes for a new app client, until the first
    # publication deletes it. The program passes it on to nothing.
    result = deploy(stack, HOSTS[hosting])

    for each in result.registrations:
        assert "secret-of-" not in repr(each.inputs), each.name
    assert "secret-of-" not in json.dumps(dict(result.outputs))


@pytest.mark.parametrize("stack", STACKS)
def test_the_program_is_made_of_known_types_only(deploy: Deploy, stack: str) -> None:
    with_edge = {"neo4j-mcp:edge": "true", "neo4j-mcp:edgeRequestsPerIp": "100", **MONITORED}
    types = {
        each.type
        for changes in (*HOSTS.values(), {**ON_FARGATE, "neo4j-mcp:serviceDomain": "{}"})
        for each in deploy(stack, {**changes, **with_edge}).registrations
    }

    assert types - COMPONENTS - {IMAGE, "random:index/randomString:RandomString"} == set(TYPES)
    assert types >= COMPONENTS


@pytest.mark.parametrize("hosting", HOSTS)
@pytest.mark.parametrize("stack", STACKS)
def test_everything_that_can_have_tags_is_tagged(
    deploy: Deploy, stack: str, hosting: Hosting
) -> None:
    changes = {**HOSTS[hosting], "neo4j-mcp:tags": json.dumps({"Team": "graph"})}
    tagged = [each for each in deploy(stack, changes).registrations if each.type in TYPES]

    expected = {
        "Project": "neo4j-mcp",
        "Stack": stack,
        "ManagedBy": "pulumi",
        "Team": "graph",
    }
    wrong = [
        each.name
        for each in tagged
        if is_taggable(each.type) and each.inputs.get("tags") != expected
    ]
    assert wrong == []
    assert sum(is_taggable(each.type) for each in tagged) >= 9


@pytest.mark.parametrize("hosting", HOSTS)
@pytest.mark.parametrize("stack", STACKS)
def test_every_name_begins_with_the_prefix_and_the_stack(
    deploy: Deploy, stack: str, hosting: Hosting
) -> None:
    for each in deploy(stack, HOSTS[hosting]).registrations:
        for name in physical_names(each):
            assert re.match(rf"(/aws/lambda/|/ecs/)?neo4j-mcp-{stack}-", name), (each.name, name)


def physical_names(each: Registration) -> list[str]:
    # An inline policy's name is local to its role, a scaling policy's to what it scales, and an
    # alias's to its function; a resource server has an identifier instead, and a record the
    # domain's name.
    if each.type not in TYPES or each.type in {
        "aws:appautoscaling/policy:Policy",
        "aws:iam/rolePolicy:RolePolicy",
        "aws:lambda/alias:Alias",
        "aws:route53/record:Record",
    }:
        return []
    named = {"name", "serviceName", "domain"}
    return [
        value
        for key, value in each.inputs.items()
        if key in named or re.fullmatch(r"\w+(Configuration|Connector)Name", key)
    ]


@pytest.mark.parametrize("hosting", HOSTS)
@pytest.mark.parametrize("stack", STACKS)
def test_everything_belongs_to_a_component(deploy: Deploy, stack: str, hosting: Hosting) -> None:
    registrations = deploy(stack, HOSTS[hosting]).registrations
    components = {each.urn for each in registrations if each.type in COMPONENTS}

    for each in registrations:
        if each.type not in COMPONENTS:
            assert each.parent in components, each.name


@pytest.mark.parametrize("stack", STACKS)
def test_the_service_runs_the_pushed_image_by_digest(deploy: Deploy, stack: str) -> None:
    result = deploy(stack)

    service = result.one(SERVICE)
    repository = service.inputs["sourceConfiguration"]["imageRepository"]
    assert repository["imageIdentifier"] == (
        f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/neo4j-mcp-{stack}-server@{DIGEST}"
    )
    assert result.one(IMAGE).urn in service.dependencies


@pytest.mark.parametrize("hosting", HOSTS)
@pytest.mark.parametrize("stack", STACKS)
def test_every_policy_names_what_it_allows(deploy: Deploy, stack: str, hosting: Hosting) -> None:
    policies: list[dict[str, Any]] = [
        statement
        for policy in deploy(stack, HOSTS[hosting]).of_type("aws:iam/rolePolicy:RolePolicy")
        for statement in json.loads(policy.inputs["policy"])["Statement"]
    ]
    # Pulling images (two), the logs, and two for the clients' secrets; with monitoring, the
    # canary's and those of what configures App Runner's logs.
    count = {Hosting.APP_RUNNER: 6, Hosting.FARGATE: 7, Hosting.LAMBDA: 5}[hosting]
    more = {Hosting.APP_RUNNER: 6, Hosting.FARGATE: 3, Hosting.LAMBDA: 3}[hosting]
    assert len(policies) == count + (more if stack in MONITORING_OUTPUTS else 0)
    for statement in policies:
        assert not any("*" in action for action in statement["Action"])
        if statement["Resource"] == "*":
            assert set(statement["Action"]) <= ACTIONS_WITHOUT_RESOURCE


@pytest.mark.parametrize("stack", ["dev", "local"])
def test_other_stacks_than_production_can_be_destroyed(deploy: Deploy, stack: str) -> None:
    for each in deploy(stack).registrations:
        assert not each.protect
        assert not each.retain_on_delete


def test_destroying_production_only_removes_what_the_next_deployment_restores(
    deploy: Deploy,
) -> None:
    without_monitoring = {"neo4j-mcp:monitoring": "{}"}
    registrations = {
        each.urn: each
        for each in deploy("prod", without_monitoring).registrations
        if each.type not in COMPONENTS
    }
    # The engine deletes everything that isn't protected and that nothing protected depends on.
    kept: set[str] = set()
    protected = [urn for urn, each in registrations.items() if each.protect]
    while protected:
        urn = protected.pop()
        if urn in registrations and urn not in kept:
            kept.add(urn)
            protected += registrations[urn].dependencies

    assert {each.type for urn, each in registrations.items() if urn not in kept} == {
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration",
        # Deleting these leaves the clients' secrets as they are, and ends their rotation.
        INVOCATION,
        ROTATION,
        "aws:cloudwatch/eventTarget:EventTarget",
    }


@pytest.mark.parametrize("hosting", HOSTS)
def test_monitoring_can_be_switched_off_although_production_is_protected(
    deploy: Deploy, hosting: Hosting
) -> None:
    with_it = {each.urn: each for each in deploy("prod", HOSTS[hosting]).registrations}
    without = deploy("prod", {**HOSTS[hosting], "neo4j-mcp:monitoring": "{}"}).registrations
    removed = [each for urn, each in with_it.items() if urn not in {each.urn for each in without}]

    assert {each.name for each in removed} >= {"canary", "monitoring", "identity-client-canary"}
    assert [each.name for each in removed if each.protect or each.retain_on_delete] == []


def test_a_bad_configuration_creates_nothing(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr("tests.components.mocks.RecordingMonitor.RegisterResource", made.append)

    with pytest.raises(ConfigurationError, match="has 2 problems, so"):
        deploy("dev", {"neo4j-mcp:cpu": "7", "neo4j-mcp:logLevel": "loud"})
    assert made == []


def test_a_new_stack_needs_only_the_database_and_a_client(deploy: Deploy) -> None:
    only = {
        "neo4j-mcp:clients": json.dumps({"me": {"scopes": ["graph.read"]}}),
        "neo4j-mcp:scopes": json.dumps({"graph.read": {"description": "x", "role": "reader"}}),
    }
    outputs = deploy("dev", only).outputs

    assert outputs["scopes"] == {"neo4j-mcp/graph.read": "reader"}
    assert outputs["auraSso"]["groupToRoleMapping"] == '"graph.read"=reader'
    assert list(outputs["clients"]) == ["me"]


def test_the_stacks_page_uses_existing_outputs(deploy: Deploy) -> None:
    outputs = deploy("dev").outputs

    assert outputs["readme"] == (ROOT / "Pulumi.README.md").read_text(encoding="utf-8")
    used = re.findall(r"\$\{outputs\.([\w.]+)\}", outputs["readme"])
    assert used
    for path in used:
        value: Any = outputs
        for step in path.split("."):
            assert step in value, path
            value = value[step]
