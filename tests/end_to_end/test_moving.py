"""A stack moves from one host to another under traffic, by the commands of docs/moving-hosts.md."""

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import docker
import pytest
import yaml

from automation.deployment import Deployment
from automation.drills.records import Record
from automation.drills.traffic import Traffic
from components.hosting.definitions import HOST_KEYS
from components.settings import Hosting
from demo.hosts import LOCAL_DOMAIN
from demo.stand_in import find_certificate, free_port, read_credentials
from localcloud.cloud import Cloud
from localcloud.docker_engine import bridge_addresses
from localcloud.paths import Home
from localcloud.workspace import STACK
from neo4j_mcp_client import Neo4jMcp
from tests.documents import example
from tests.repository import ROOT
from tests.stand_in import Aws, Configure

pytestmark = pytest.mark.stand_in

_PAGE = "docs/moving-hosts.md"
_UP = "pulumi up --yes"
_CHECKS = ("P2-secret-complete", "P3-plain-http", "P3-tls", "P3-unknown-paths")
_COMMAND_TIMEOUT = 600.0
_CALLS_TIMEOUT = 120.0


@dataclass(frozen=True, kw_only=True)
class Moving:
    """The shared stack, with the shell in which the page's commands run."""

    running: Cloud
    deployment: Deployment
    shell: dict[str, str]

    def run(self, script: str) -> str:
        """Run commands after those of `make env`, and return what they print."""
        done = subprocess.run(
            ["bash", "-eu", "-c", f'eval "$(make -s env)"\n{script}'],
            cwd=ROOT,
            env=self.shell | {"PULUMI_STACK": STACK},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=_COMMAND_TIMEOUT,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def check(self, *options: str) -> None:
        """Run checks that call a host, and one of the clients' secrets; none may fail."""
        reports = self.running.home / "reports"
        chosen = " ".join(f"--only {each}" for each in _CHECKS)
        self.run(
            f".venv/bin/python -m automation check --stack {STACK} {chosen}"
            f" --reports {reports} {' '.join(options)}"
        )

    def host_keys(self) -> dict[str, str]:
        """Return the keys of the stack's host that are set, with the parts of objects one by one.

        A value is a text, as the command line takes it.
        """
        path = Home(self.running.home).workspace / f"Pulumi.{STACK}.yaml"
        config = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
        found: dict[str, str] = {}
        for key in HOST_KEYS:
            value = config.get(f"neo4j-mcp:{key}")
            parts = value if isinstance(value, dict) else {}
            found |= {f"{key}.{part}": str(each) for part, each in parts.items()}
            if value is not None and not isinstance(value, dict):
                found[key] = str(value)
        return found

    @property
    def outputs(self) -> dict[str, Any]:
        return self.deployment.outputs()

    @contextlib.contextmanager
    def callers(self, address: str | None = None) -> Iterator[Traffic]:
        """Start callers, which read their secret once and then call until the end of the block.

        Args:
            address: the MCP address that they call; None for the one in their secret.
        """
        secret = self.outputs["clients"]["reader"]["secretArn"]
        credentials = read_credentials(self.running, secret)
        bundle = str(Home(self.running.home).certificate_bundle)
        url = address or str(credentials.mcp_url)

        with Neo4jMcp(url, credentials, ca_bundle=bundle) as server:

            def call() -> None:
                assert server.read("RETURN 40 + 2 AS answer") == [{"answer": 42}]

            with Traffic(call, callers=2, clock=time.monotonic) as traffic:
                yield traffic


def wait_for_calls(traffic: Traffic) -> None:
    """Wait until calls that began after this have succeeded."""
    began = time.monotonic()

    def later(record: Record) -> bool:
        return record.began >= began and not record.failure

    assert traffic.wait_until(lambda known: sum(map(later, known)) >= 5, _CALLS_TIMEOUT)


@pytest.fixture
def moving(
    running: Cloud,
    deployed: Deployment,
    outputs: dict[str, Any],
    shell: dict[str, str],
    configure: Configure,
) -> Moving:
    """The shared stack with a database address that containers and functions reach."""
    assert "otherMcpUrl" not in outputs
    with contextlib.closing(docker.DockerClient(base_url=running.docker_host)) as engine:
        address, *_ = bridge_addresses(engine.networks.get("bridge").attrs)
    port = urlsplit(running.bolt_uri).port
    configure({"neo4j-mcp:neo4jUri": f"neo4j+s://{address}:{port}"})
    deployed.up()
    return Moving(running=running, deployment=deployed, shell=shell)


def _kept(outputs: dict[str, Any]) -> dict[str, Any]:
    kept = ("clients", "issuer", "auraSso", "tokenUrl", "scopes")
    return {name: outputs[name] for name in kept}


@dataclass(frozen=True, kw_only=True)
class Commands:
    """The commands of a move's three steps."""

    add: str
    switch: str
    finish: str


def on_the_page() -> Commands:
    """Return the page's own commands, which move a stack from App Runner to Lambda."""
    added = "\n".join(example(_PAGE, name) for name in ("move-add", "move-try"))
    return Commands(
        add=added, switch=example(_PAGE, "move-switch"), finish=example(_PAGE, "move-finish")
    )


def _configured(at: str, values: Mapping[str, str]) -> list[str]:
    return [
        f"pulumi config set --path 'neo4j-mcp:{at}{key}' '{value}'" for key, value in values.items()
    ]


def to_host(hosting: Hosting, keys: Mapping[str, str]) -> Commands:
    """Return the same commands for another host, with that host's keys."""
    return Commands(
        add="\n".join([*_configured("nextHost.", {"hosting": hosting, **keys}), _UP]),
        switch="\n".join([*_configured("nextHost.", {"serving": "true"}), _UP]),
        finish="\n".join(
            [
                *(f"pulumi config rm neo4j-mcp:{key}" for key in ("nextHost", *HOST_KEYS)),
                *_configured("", {"hosting": hosting, **keys}),
                _UP,
            ]
        ),
    )


def move(moving: Moving, commands: Commands) -> None:
    """Move the stack under traffic: no call may fail, and what callers know has to stay."""
    before = moving.outputs
    with contextlib.ExitStack() as early_callers:
        early = early_callers.enter_context(moving.callers())
        wait_for_calls(early)
        moving.run(commands.add)
        both = moving.outputs
        assert both["mcpUrl"] == before["mcpUrl"] != both["otherMcpUrl"]
        moving.check("--other-host")

        moving.run(commands.switch)
        switched = moving.outputs
        assert (switched["mcpUrl"], switched["otherMcpUrl"]) == (
            both["otherMcpUrl"],
            both["mcpUrl"],
        )
        moving.check()
        # Callers that have not read their secret again still use the earlier host.
        wait_for_calls(early)
        with moving.callers() as restarted:
            wait_for_calls(restarted)
            early_callers.close()
            printed = moving.run(commands.finish)
            wait_for_calls(restarted)
    # The next host stays as it is.
    assert re.findall(r"^    [+~-]+ ?\d+ (\w+)$", printed, re.MULTILINE) == ["deleted"], printed
    after = moving.outputs
    assert after["mcpUrl"] == switched["mcpUrl"]
    assert "otherMcpUrl" not in after
    assert _kept(after) == _kept(switched) == _kept(both) == _kept(before)
    records = (*early.records, *restarted.records)
    assert [each for each in records if each.failure] == []
    print(f"{len(records)} calls, none failed")  # noqa: T201  the measurement itself


@pytest.mark.slow
def test_no_call_fails_while_a_stack_moves_to_lambda_and_back(moving: Moving) -> None:
    own_keys = moving.host_keys()
    move(moving, on_the_page())
    move(moving, to_host(Hosting.APP_RUNNER, own_keys))
    assert moving.host_keys() == own_keys
    assert moving.deployment.preview(refresh=True).none


@pytest.fixture
def other_network(aws: Aws) -> Iterator[Mapping[str, str]]:
    """A VPC with two public subnets, as the parts of the key network."""
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    only_this = [{"Name": "vpc-id", "Values": [vpc]}]
    (table,) = ec2.describe_route_tables(Filters=only_this)["RouteTables"]
    ec2.create_route(
        RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway
    )
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.7.{part}.0/24", AvailabilityZone=zone)[
            "Subnet"
        ]["SubnetId"]
        for part, zone in enumerate(zones[:2])
    ]
    yield {
        "network.vpcId": vpc,
        **{f"network.subnetIds[{place}]": subnet for place, subnet in enumerate(subnets)},
    }
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_vpc(VpcId=vpc)


@pytest.mark.slow
def test_no_call_at_the_edge_fails_while_its_host_changes_and_its_network_can_follow(
    other_network: Mapping[str, str], moving: Moving, configure: Configure
) -> None:
    configure({"neo4j-mcp:edge": True})
    moving.deployment.up()
    before = moving.outputs
    assert before["mcpUrl"] != before["edgeUrl"]
    # Without a domain, the load balancer has no address, and only the edge reaches it.
    commands = to_host(Hosting.FARGATE, {"cpu": "256", "memory": "512"})
    change_network = "\n".join([*_configured("", other_network), _UP])

    with moving.callers(before["edgeUrl"]) as callers:
        for script in (commands.add, commands.switch, commands.finish):
            wait_for_calls(callers)
            moving.run(script)
            assert moving.outputs["edgeUrl"] == before["edgeUrl"]
        wait_for_calls(callers)
    assert moving.outputs["mcpUrl"] == before["edgeUrl"]
    assert [each for each in callers.records if each.failure] == []
    print(f"{len(callers.records)} calls, none failed")  # noqa: T201  the measurement itself

    # The service moves first, so calls fail until the edge follows.
    moving.run(change_network)
    assert moving.outputs["mcpUrl"] == before["edgeUrl"]
    with moving.callers() as callers:
        wait_for_calls(callers)
    assert [each for each in callers.records if each.failure] == []
    assert moving.deployment.preview(refresh=True).none


@pytest.mark.slow
def test_no_call_fails_while_a_stack_moves_to_fargate_and_back(moving: Moving) -> None:
    own_keys = moving.host_keys()
    domain = {
        "name": LOCAL_DOMAIN,
        "certificateArn": find_certificate(moving.running, LOCAL_DOMAIN),
        "port": str(free_port(moving.running)),
    }
    sizes = {"cpu": "256", "memory": "512"}
    keys = {**sizes, **{f"serviceDomain.{part}": value for part, value in domain.items()}}

    move(moving, to_host(Hosting.FARGATE, keys))
    move(moving, to_host(Hosting.APP_RUNNER, own_keys))

    assert moving.deployment.preview(refresh=True).none
