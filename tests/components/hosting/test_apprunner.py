import json
from pathlib import Path
from typing import Any

import pytest

from components.context import StackContext
from components.hosting.apprunner.component import AppRunnerHost
from components.hosting.definitions import DEFINITIONS
from components.hosting.deployments import DEPLOYMENTS
from components.hosting.environment import server_environment
from components.hosting.host import mcp_url
from components.hosting.image_host import ImageHostArgs
from components.image import ServerImage, ServerImageArgs
from components.settings import Hosting
from server.context import BuildContext
from tests.components.conftest import MakeContext
from tests.components.mocks import ACCOUNT, DIGEST, REGION, Result, run_program

SERVICE = "aws:apprunner/service:Service"
SCALING = "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion"
OBSERVABILITY = "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration"
CONNECTOR = "aws:apprunner/vpcConnector:VpcConnector"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/neo4j-mcp-dev-server@{DIGEST}"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a"
REPOSITORY_ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/neo4j-mcp-dev-server"
BUILD = BuildContext(
    directory=Path(__file__).resolve().parents[3] / "server" / "build" / "contexts" / "1.6.1-0123",
    tag="1.6.1-0123",
    arguments={"VERSION": "1.6.1"},
)


def declare(context: StackContext) -> Result:
    def program() -> dict[str, Any]:
        image = ServerImage("image", ServerImageArgs(context=context, build=BUILD, retention=10))
        host = AppRunnerHost(
            "server",
            ImageHostArgs(context=context, image=image),
        )
        return {
            "url": host.service_url,
            "arn": host.service_arn,
            "name": host.service_name,
            "log": host.log_group,
            **host.outputs,
        }

    return run_program(program)


def test_the_service_runs_the_image_by_digest_with_its_environment(
    make_context: MakeContext,
) -> None:
    context = make_context(cpu="2048", memory="4096")
    result = declare(context)

    service = result.one(SERVICE).inputs
    assert service["serviceName"] == "neo4j-mcp-dev-server"
    source = service["sourceConfiguration"]
    assert source["autoDeploymentsEnabled"] is False
    assert source["imageRepository"] == {
        "imageRepositoryType": "ECR",
        "imageIdentifier": IMAGE,
        "imageConfiguration": {
            "port": "8080",
            "runtimeEnvironmentVariables": server_environment(context.settings),
        },
    }
    assert source["authenticationConfiguration"]["accessRoleArn"].endswith("-dev-image-pull")
    instance = service["instanceConfiguration"]
    assert (instance["cpu"], instance["memory"]) == ("2048", "4096")
    assert instance["instanceRoleArn"].endswith("-dev-instance")


def test_the_outputs_are_the_services(make_context: MakeContext) -> None:
    result = declare(make_context())

    assert result.outputs == {
        "url": f"https://abc.{REGION}.awsapprunner.com",
        "arn": f"arn:aws:apprunner:{REGION}:{ACCOUNT}:service/neo4j-mcp-dev-server/0123",
        "name": "neo4j-mcp-dev-server",
        "log": "/aws/apprunner/neo4j-mcp-dev-server/0123/application",
        "imageDigest": DIGEST,
    }


@pytest.mark.parametrize(
    ("values", "configured"),
    [({}, False), ({"monitoring": {"enabled": True}}, True), ({"logKeyArn": KEY}, True)],
)
def test_app_runners_log_groups_are_configured_with_monitoring_or_a_key(
    make_context: MakeContext, values: dict[str, Any], configured: bool
) -> None:
    result = declare(make_context(**values))

    assert len(result.of_type("aws:lambda/invocation:Invocation")) == configured
    assert result.outputs["log"] == "/aws/apprunner/neo4j-mcp-dev-server/0123/application"


def test_the_access_role_pulls_from_this_repository_only(make_context: MakeContext) -> None:
    result = declare(make_context())

    (policy,) = result.of_type(ROLE_POLICY)
    assert policy.inputs["role"] == "neo4j-mcp-dev-image-pull"
    pull, login = result.statements("may-pull")
    assert pull["Resource"] == REPOSITORY_ARN
    assert login["Action"] == ["ecr:GetAuthorizationToken"]
    trusted = json.loads(result.one(ROLE, "access").inputs["assumeRolePolicy"])["Statement"]
    assert trusted[0]["Principal"] == {"Service": "build.apprunner.amazonaws.com"}


def test_the_service_waits_for_the_permission_to_pull(make_context: MakeContext) -> None:
    result = declare(make_context())

    assert result.one(ROLE_POLICY).urn in result.one(SERVICE).dependencies


def test_the_server_has_no_permissions(make_context: MakeContext) -> None:
    result = declare(make_context())

    roles = {policy.inputs["role"] for policy in result.of_type(ROLE_POLICY)}
    assert "neo4j-mcp-dev-instance" not in roles
    instance = result.one(ROLE, "instance").inputs
    assert "managedPolicyArns" not in instance
    trusted = json.loads(instance["assumeRolePolicy"])["Statement"]
    assert trusted[0]["Principal"] == {"Service": "tasks.apprunner.amazonaws.com"}


def test_scaling_is_as_configured(make_context: MakeContext) -> None:
    context = make_context(minInstances="2", maxInstances="7", maxConcurrency="20")
    result = declare(context)

    scaling = result.one(SCALING)
    assert (scaling.inputs["minSize"], scaling.inputs["maxSize"]) == (2, 7)
    assert scaling.inputs["maxConcurrency"] == 20
    assert scaling.inputs["autoScalingConfigurationName"] == "neo4j-mcp-dev-scaling"
    assert scaling.urn in result.one(SERVICE).dependencies


def test_the_health_check_is_as_configured(make_context: MakeContext) -> None:
    result = declare(make_context(healthCheck={"interval": 3, "timeout": 2}))

    assert result.one(SERVICE).inputs["healthCheckConfiguration"] == {
        "protocol": "HTTP",
        "path": "/healthz",
        "interval": 3,
        "timeout": 2,
        "healthyThreshold": 1,
        "unhealthyThreshold": 5,
    }


def test_a_tcp_check_has_no_path(make_context: MakeContext) -> None:
    result = declare(make_context(healthCheck={"protocol": "TCP"}))

    check = result.one(SERVICE).inputs["healthCheckConfiguration"]
    assert check["protocol"] == "TCP"
    assert "path" not in check


def test_tracing_is_off_by_default(make_context: MakeContext) -> None:
    result = declare(make_context())

    assert result.one(OBSERVABILITY).inputs["traceConfiguration"] == {"vendor": "AWSXRAY"}
    assert result.one(SERVICE).inputs["observabilityConfiguration"] == {
        "observabilityEnabled": False
    }


def test_tracing_grants_the_permission_to_send_traces(make_context: MakeContext) -> None:
    result = declare(make_context(tracing="true"))

    observability = result.one(SERVICE).inputs["observabilityConfiguration"]
    assert observability["observabilityEnabled"] is True
    assert observability["observabilityConfigurationArn"].endswith("neo4j-mcp-dev-tracing")
    (statement,) = result.statements("may-trace")
    assert all(action.startswith("xray:") for action in statement["Action"])
    assert result.one(ROLE_POLICY, "may-trace").inputs["role"] == "neo4j-mcp-dev-instance"


def test_egress_uses_the_internet_by_default(
    make_context: MakeContext,
) -> None:
    result = declare(make_context())

    assert not result.of_type(CONNECTOR)
    assert result.one(SERVICE).inputs["networkConfiguration"] == {
        "ingressConfiguration": {"isPubliclyAccessible": True},
        "egressConfiguration": {"egressType": "DEFAULT"},
    }


def test_egress_uses_a_configured_vpc(make_context: MakeContext) -> None:
    connection = {
        "subnetIds": ["subnet-0000000a", "subnet-0000000b"],
        "securityGroupIds": ["sg-0000000c"],
    }
    result = declare(make_context(vpcConnector=connection))

    connector = result.one(CONNECTOR)
    assert connector.inputs["subnets"] == ["subnet-0000000a", "subnet-0000000b"]
    assert connector.inputs["securityGroups"] == ["sg-0000000c"]
    egress = result.one(SERVICE).inputs["networkConfiguration"]["egressConfiguration"]
    assert egress["egressType"] == "VPC"
    assert egress["vpcConnectorArn"].endswith(f"/{connector.inputs['vpcConnectorName']}")


@pytest.mark.parametrize("protected", ["true", "false"])
def test_the_service_is_protected_as_configured(make_context: MakeContext, protected: str) -> None:
    result = declare(make_context(deletionProtection=protected))

    assert result.one(SERVICE).protect is (protected == "true")
    # Every change of scaling replaces the configuration.
    assert not result.one(SCALING).protect


def test_every_hosting_choice_has_its_host() -> None:
    assert set(DEPLOYMENTS) == set(DEFINITIONS) == set(Hosting)


def test_the_mcp_endpoint_is_below_the_services_url() -> None:
    assert mcp_url("https://a.example") == "https://a.example/mcp"
