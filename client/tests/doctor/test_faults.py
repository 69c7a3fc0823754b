"""Each fault made for real in the stand-in cloud, and found by name."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import certifi
import docker
import pytest
import requests

from aura.instance import Aura, running_aura
from automation.deployment import Deployment
from client.tests.app_clients import new_app_client
from client.tests.command import Command
from client.tests.conftest import ChangeAura, ChangeServer, settled
from client.tests.site import Answer, Request, serve
from localcloud.cloud import CONTAINER_HOST, Cloud
from localcloud.console import connect_aura
from localcloud.docker_engine import bridge_addresses
from localcloud.paths import Home
from tests.stand_in import Aws

pytestmark = pytest.mark.stand_in

HOPS = [
    "configuration",
    "DNS and TLS",
    "health",
    "discovery and keys",
    "token",
    "claims",
    "database",
    "server",
    "roles",
]


def examine(command: Command, *arguments: str) -> dict[str, Any]:
    """Run the doctor, and see that its answer is consistent."""
    ended = command("doctor", "--json", *arguments)
    report: dict[str, Any] = ended.document
    assert [each["hop"] for each in report["hops"]] == HOPS
    assert ended.status == (1 if report["fault"] else 0)
    return report


def found(command: Command, *arguments: str) -> tuple[str, str]:
    """Run the doctor, and return the failed hop and the fault's name."""
    report = examine(command, *arguments)
    statuses = [each["status"] for each in report["hops"]]
    at = statuses.index("failed")
    assert set(statuses[:at]) <= {"passed", "skipped"}
    assert set(statuses[at + 1 :]) <= {"not reached"}
    assert report["hops"][at]["fault"] == report["fault"]["name"]
    assert all(report["fault"].values())
    return report["hops"][at]["hop"], report["fault"]["name"]


def test_nothing_is_wrong_with_the_deployed_stack(command: Command) -> None:
    report = examine(command)
    assert report["fault"] is None
    assert {each["status"] for each in report["hops"]} == {"passed"}
    shown = command("doctor")
    assert shown.status == 0
    assert shown.output.count("✓") == len(HOPS)


def test_the_wrong_audience_in_aura(command: Command, change_aura: ChangeAura) -> None:
    change_aura(audience=["another-client"])
    assert found(command) == ("database", "audience-in-aura")
    # Without the database's address, the server's answer says as much.
    assert found(command, "--no-database") == ("server", "audience-in-aura")


def test_a_discovery_uri_that_aura_cannot_read(command: Command, change_aura: ChangeAura) -> None:
    change_aura(discoveryUri="https://localhost:1/nothing")
    assert found(command) == ("database", "provider-unreachable-from-aura")


def test_a_mapping_without_the_group(command: Command, change_aura: ChangeAura) -> None:
    change_aura(groupToRoleMapping='"somebody-else"=reader')
    assert found(command) == ("database", "group-not-mapped-in-aura")
    assert found(command, "--no-database") == ("server", "group-not-mapped-in-aura")


def test_a_mapping_to_another_role(command: Command, change_aura: ChangeAura) -> None:
    change_aura(groupToRoleMapping='"reader"=publisher')
    assert found(command) == ("roles", "roles-differ")


def test_the_claims_function_is_missing(
    command: Command, aws: Aws, user_pool: str, deployed: Deployment
) -> None:
    cognito = aws("cognito-idp")
    trigger = cognito.describe_user_pool(UserPoolId=user_pool)["UserPool"]["LambdaConfig"]
    assert trigger["PreTokenGenerationConfig"]["LambdaVersion"] == "V3_0"
    cognito.update_user_pool(UserPoolId=user_pool, LambdaConfig={})
    try:
        assert found(command) == ("claims", "claims-function-missing")
        # What the remedy says.
        deployed.refresh()
        deployed.up()
        assert examine(command)["fault"] is None
    finally:
        cognito.update_user_pool(UserPoolId=user_pool, LambdaConfig=trigger)


def test_bearer_in_the_wrong_case(command: Command) -> None:
    assert found(command, "--authorization-scheme", "bearer") == ("server", "bearer-case")


@contextmanager
def gateway(mcp_url: str, ca_bundle: str, change: Callable[[str], str]) -> Iterator[str]:
    """Stand before the server, and change the Authorization header on its way."""

    def forward(request: Request) -> Answer:
        headers = {name: request.headers[name] for name in ("Accept", "Content-Type")}
        answer = requests.post(
            mcp_url,
            data=request.body,
            headers=headers | {"Authorization": change(request.authorization)},
            verify=ca_bundle,
            timeout=60,
        )
        content_type = {"Content-Type": answer.headers["Content-Type"]}
        return Answer(status=answer.status_code, body=answer.content, headers=content_type)

    with serve(forward) as site:
        yield f"{site.url}mcp"


def test_a_gateway_that_changes_the_case(
    command: Command, running: Cloud, outputs: dict[str, Any], aws: Aws
) -> None:
    secret = json.loads(
        aws("secretsmanager").get_secret_value(SecretId=outputs["clients"]["reader"]["secretArn"])[
            "SecretString"
        ]
    )
    bundle = str(Home(running.home).certificate_bundle)
    with gateway(outputs["mcpUrl"], bundle, lambda value: value.replace("Bearer", "bearer")) as url:
        behind = {"mcpUrl": url}
        assert log_in(command, outputs | behind, secret | behind) == 0
        assert found(command, "--profile", "behind") == ("server", "authorization-lost")


def log_in(command: Command, outputs: dict[str, Any], secret: dict[str, Any]) -> int:
    """Log in with a given secret, and with outputs from a file."""
    folder = Path(command.environment["HOME"])
    (folder / "outputs.json").write_text(json.dumps(outputs), encoding="utf-8")
    ended = command(
        "login",
        "--profile",
        "behind",
        "--credentials",
        "-",
        "--outputs",
        str(folder / "outputs.json"),
        text=json.dumps(secret),
    )
    return ended.status


def test_an_expired_secret(
    command: Command, outputs: dict[str, Any], aws: Aws, user_pool: str
) -> None:
    cognito = aws("cognito-idp")
    secret = new_app_client(cognito, user_pool, outputs, "doomed")
    try:
        assert log_in(command, outputs, secret) == 0
        # A client that Aura does not know.
        assert found(command, "--profile", "behind") == ("claims", "audience-not-in-outputs")
    finally:
        cognito.delete_user_pool_client(UserPoolId=user_pool, ClientId=secret["clientId"])
    assert found(command, "--profile", "behind") == ("token", "secret-rejected")


def test_a_disabled_client(
    command: Command, outputs: dict[str, Any], aws: Aws, user_pool: str
) -> None:
    cognito = aws("cognito-idp")
    secret = new_app_client(cognito, user_pool, outputs, "disabled")
    try:
        assert log_in(command, outputs, secret) == 0
        # What `enabled: false` does to an app client.
        cognito.update_user_pool_client(
            UserPoolId=user_pool,
            ClientId=secret["clientId"],
            AllowedOAuthFlows=[],
            AllowedOAuthFlowsUserPoolClient=False,
            AllowedOAuthScopes=[],
        )
        assert found(command, "--profile", "behind") == ("token", "client-disabled")
        assert log_in(command, outputs, secret) == 4
    finally:
        cognito.delete_user_pool_client(UserPoolId=user_pool, ClientId=secret["clientId"])


def test_a_scope_that_the_client_lacks(command: Command, outputs: dict[str, Any], aws: Aws) -> None:
    text = aws("secretsmanager").get_secret_value(
        SecretId=outputs["clients"]["reader"]["secretArn"]
    )["SecretString"]
    secret = json.loads(text) | {"scopes": ["neo4j-mcp/writer"]}
    folder = Path(command.environment["HOME"])
    (folder / "secret.json").write_text(json.dumps(secret), encoding="utf-8")
    ended = command(
        "login",
        "--profile",
        "greedy",
        "--credentials",
        str(folder / "secret.json"),
        "--no-check",
    )
    assert ended.status == 0
    assert found(command, "--profile", "greedy") == ("token", "scope-not-allowed")


def test_a_paused_service(command: Command, aws: Aws, service_arn: str) -> None:
    apprunner = aws("apprunner")
    apprunner.pause_service(ServiceArn=service_arn)
    settled(apprunner, service_arn, "PAUSED")
    try:
        assert found(command) == ("health", "service-paused")
    finally:
        apprunner.resume_service(ServiceArn=service_arn)
        settled(apprunner, service_arn, "RUNNING")
    assert examine(command)["fault"] is None


@pytest.mark.slow
def test_the_telemetry_delay(
    command: Command, change_server: ChangeServer, deployed: Deployment
) -> None:
    change_server(NEO4J_MCP_TELEMETRY="true")
    assert found(command) == ("server", "telemetry-delay")
    # What the remedy says.
    deployed.refresh()
    deployed.up()
    assert examine(command)["fault"] is None


@pytest.fixture
def database_without_apoc(running: Cloud, tmp_path: Path) -> Iterator[Aura]:
    client = docker.DockerClient(base_url=running.docker_host)
    try:
        bridge = bridge_addresses(client.networks.get("bridge").attrs)
    finally:
        client.close()
    with running_aura(
        tmp_path / "aura",
        Home(running.home).authority,
        tmp_path / "aura.log",
        module="client.tests.doctor.without_apoc",
        listen=["127.0.0.1", *bridge],
    ) as aura:
        yield aura


def test_apoc_is_missing(
    command: Command,
    running: Cloud,
    outputs: dict[str, Any],
    change_server: ChangeServer,
    database_without_apoc: Aura,
) -> None:
    other = database_without_apoc
    connect_aura(
        running.model_copy(
            update={
                "console_url": other.console,
                "console_credentials": other.credentials,
            }
        ),
        outputs["auraSso"],
    )
    change_server(NEO4J_MCP_URI=f"neo4j+s://{CONTAINER_HOST}:{other.port}")
    assert found(command, "--neo4j-uri", other.bolt) == ("server", "apoc-missing")


def test_an_untrusted_certificate(command: Command) -> None:
    bare = Command(
        {
            name: value
            for name, value in command.environment.items()
            if not name.endswith(("CA_BUNDLE", "CERT_FILE"))
        }
    )
    assert found(bare, "--ca-bundle", certifi.where()) == (
        "DNS and TLS",
        "certificate-not-trusted",
    )


def test_no_secret_is_shown(command: Command, outputs: dict[str, Any], aws: Aws) -> None:
    text = aws("secretsmanager").get_secret_value(
        SecretId=outputs["clients"]["reader"]["secretArn"]
    )["SecretString"]
    secret = json.loads(text)["clientSecret"]
    for arguments in (("doctor",), ("doctor", "--json"), ("profiles",), ("token",)):
        ended = command(*arguments)
        assert secret not in ended.output + ended.messages
        assert "eyJ" not in ended.output + ended.messages
    folder = Path(command.environment["HOME"])
    kept = [path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()]
    assert not any(secret in each for each in kept)
