"""What the examination looks up in AWS."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from client.tests.doctor.test_judging import CREDENTIALS, OUTPUTS
from client.tests.site import Answer, Site, serve
from neo4j_mcp_client.credentials import FixedCredentials
from neo4j_mcp_client.doctor.evidence import HostKind, Service, StackOutputs
from neo4j_mcp_client.doctor.examination import DoctorOptions, Examination, Hop
from neo4j_mcp_client.doctor.faults import NO_HEALTHY_TASK

SERVICE = Service(
    host=HostKind.FARGATE, arn="arn:…", status="ACTIVE", is_healthy=False, environment={}
)


@pytest.fixture
def failing() -> Iterator[Site]:
    """A service that fails its health check."""
    with serve(lambda _: Answer(status=503), get=True) as site:
        yield site


@pytest.mark.parametrize("with_outputs", [True, False])
def test_a_failing_service_is_looked_up_by_all_its_names(
    failing: Site, *, with_outputs: bool
) -> None:
    looked_up: list[Collection[str]] = []

    def find_service(hosts: Collection[str]) -> Service:
        looked_up.append(hosts)
        return SERVICE

    credentials = replace(
        CREDENTIALS, mcp_url=f"{failing.url}mcp", token_url=f"{failing.url}oauth2/token"
    )
    outputs: StackOutputs = replace(
        OUTPUTS,
        edge_url=credentials.mcp_url,
        discovery_url=failing.url,
        jwks_url=failing.url,
        load_balancer="X-1.elb.amazonaws.com",
    )
    examination = Examination(
        DoctorOptions(
            source=lambda: FixedCredentials(credentials),
            outputs=outputs if with_outputs else None,
            ca_bundle=None,
            neo4j_uri=None,
            ask_database=False,
            scheme="Bearer",
            find_service=find_service,
        )
    )
    findings = [examination.examine(hop) for hop in (Hop.CONFIGURATION, Hop.CONNECTION, Hop.HEALTH)]

    assert [finding.fault for finding in findings] == [None, None, NO_HEALTHY_TASK]
    known = {"server.example", "x-1.elb.amazonaws.com"} if with_outputs else set()
    assert looked_up == [{urlsplit(failing.url).netloc, *known}]
