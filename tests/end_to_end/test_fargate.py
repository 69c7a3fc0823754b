"""The stack on Fargate: from a domain of the load balancer to the edge as the only way."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from automation.deployment import Deployment
from demo.stand_in import read_credentials
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from neo4j_mcp_client import Neo4jMcp
from tests.ports import free_ports
from tests.stand_in import Aws

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_LOAD_BALANCER = "aws:lb/loadBalancer:LoadBalancer"
_TARGET_GROUP = "aws:lb/targetGroup:TargetGroup"


def configure(settings: Path, changes: Mapping[str, object]) -> None:
    """Change keys of the stack's file; None removes one."""
    stack = yaml.safe_load(settings.read_text(encoding="utf-8"))
    for key, value in changes.items():
        stack["config"].pop(f"neo4j-mcp:{key}", None)
        if value is not None:
            stack["config"][f"neo4j-mcp:{key}"] = value
    settings.write_text(yaml.safe_dump(stack), encoding="utf-8")


def reads_through(running: Cloud, outputs: Mapping[str, Any]) -> bool:
    """Return whether a client reads with nothing but its secret."""
    credentials = read_credentials(running, outputs["clients"]["reader"]["secretArn"])
    assert str(credentials.mcp_url) == outputs["mcpUrl"]
    bundle = str(Home(running.home).certificate_bundle)
    with Neo4jMcp(str(credentials.mcp_url), credentials, ca_bundle=bundle) as neo4j:
        return neo4j.read("RETURN 1 AS one") == [{"one": 1}]


@pytest.fixture
def settings(running: Cloud, deployed: Deployment) -> Iterator[Path]:
    """The stack's file; the stack is deployed as it was at the end of the test."""
    path = Home(running.home).workspace / f"Pulumi.{STACK}.yaml"
    original = path.read_text(encoding="utf-8")
    yield path
    path.write_text(original, encoding="utf-8")
    deployed.up()


def test_a_service_with_a_domain_moves_behind_the_edge(
    running: Cloud,
    deployed: Deployment,
    outputs: dict[str, Any],
    settings: Path,
    aws: Aws,
) -> None:
    (port,) = free_ports(1)
    certificate = aws("acm").request_certificate(DomainName="localhost")["CertificateArn"]
    domain = {"name": "localhost", "certificateArn": certificate, "port": port}
    configure(settings, {"hosting": "fargate", "healthCheck": None, "serviceDomain": domain})
    with_domain = deployed.up().outputs
    assert with_domain["mcpUrl"] == f"https://localhost:{port}/mcp"
    assert reads_through(running, with_domain)
    # What ECS and the load balancer add by themselves is no change.
    assert deployed.preview().none
    assert not deployed.refresh().resources

    configure(settings, {"serviceDomain": None, "edge": True})
    behind = deployed.up()
    assert behind.outputs["mcpUrl"] == behind.outputs["edgeUrl"] != with_domain["mcpUrl"]
    assert reads_through(running, behind.outputs)
    replaced = {
        urn.split("::")[2].rpartition("$")[2]
        for urn, operation in behind.changes.resources.items()
        if operation == "delete-replaced"
    }
    assert {_LOAD_BALANCER, _TARGET_GROUP} <= replaced
    elb = aws("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    assert balancer["Scheme"] == "internal"
    assert {each["clientId"] for each in behind.outputs["clients"].values()} == {
        each["clientId"] for each in outputs["clients"].values()
    }
