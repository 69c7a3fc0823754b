"""What the examination looks up in AWS."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from client.tests.doctor.test_judging import CREDENTIALS, OUTPUTS
from client.tests.site import Answer, Site, serve
from neo4j_mcp_client.credentials import FixedCredentials
from neo4j_mcp_client.doctor.evidence import HostKind, Service
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


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("edge_url", {"server.example", "x-1.elb.amazonaws.com"}),
        ("other_mcp_url", set()),
        (None, set()),
    ],
)
def test_a_failing_service_is_looked_up_by_all_its_names(
    failing: Site, address: str | None, names: set[str]
) -> None:
    looked_up: list[Collection[str]] = []

    def find_service(hosts: Collection[str]) -> Service:
        looked_up.append(hosts)
        return SERVICE

    credentials = replace(
        CREDENTIALS, mcp_url=f"{failing.url}mcp", token_url=f"{failing.url}oauth2/token"
    )
    outputs = replace(
        OUTPUTS,
        edge_url=credentials.mcp_url if address == "edge_url" else None,
        discovery_url=failing.url,
        jwks_url=failing.url,
        load_balancer="X-1.elb.amazonaws.com",
        other_mcp_url=credentials.mcp_url if address == "other_mcp_url" else None,
    )
    examination = Examination(
        DoctorOptions(
            source=lambda: FixedCredentials(credentials),
            outputs=outputs if address else None,
            ca_bundle=None,
            neo4j_uri=None,
            ask_database=False,
            scheme="Bearer",
            find_service=find_service,
        )
    )
    findings = [examination.examine(hop) for hop in (Hop.CONFIGURATION, Hop.CONNECTION, Hop.HEALTH)]

    assert [finding.fault for finding in findings] == [None, None, NO_HEALTHY_TASK]
    assert looked_up == [{urlsplit(failing.url).netloc, *names}]
