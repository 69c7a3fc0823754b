"""The AWS endpoint alone, as another project's tests use it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import httpx
import pytest

from aws.conftest import tar_archive
from localcloud.aws.standalone import aws_endpoint
from localcloud.docker_engine import DockerEngine
from localcloud.errors import LocalCloudError
from localcloud.labels import OWNER_LABEL
from tests.ports import free_ports
from tests.repository import ROOT

pytestmark = pytest.mark.stand_in

_EXAMPLE = ROOT / "localcloud" / "examples" / "app_runner.py"
_WEB_SERVER = "example-web-server"


@pytest.fixture
def image(engine: DockerEngine, server_binary: bytes) -> Iterator[str]:
    environment = "NEO4J_MCP_URI=bolt://host.docker.internal:1 NEO4J_MCP_TRANSPORT_MODE=http"
    environment += " NEO4J_MCP_HTTP_HOST=0.0.0.0 NEO4J_MCP_HTTP_PORT=8080 NEO4J_MCP_TELEMETRY=false"
    dockerfile = f'FROM scratch\nCOPY server /\nENV {environment}\nENTRYPOINT ["/server"]\n'
    archive = tar_archive({"server": server_binary, "Dockerfile": dockerfile.encode()})
    client = docker.DockerClient(engine.host)
    client.images.build(
        fileobj=archive, custom_context=True, tag=_WEB_SERVER, platform="linux/amd64", rm=True
    )
    yield _WEB_SERVER
    client.images.remove(_WEB_SERVER, force=True)
    client.close()


def test_two_lines_start_the_endpoint(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    first, *_, last = free_ports(3)
    with aws_endpoint(service_ports=(first, last)) as aws:
        assert aws.client("apprunner").list_services()["ServiceSummaryList"] == []
        assert set(aws.environment()) >= {"AWS_ENDPOINT_URL", "AWS_SHARED_CREDENTIALS_FILE"}
        folder = aws.credentials.parent
    assert not folder.exists()


def test_a_client_secret_is_delayed_from_the_start(
    engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    first, *_, last = free_ports(3)
    with aws_endpoint(service_ports=(first, last), client_secret_delay=3600) as aws:
        cognito = aws.client("cognito-idp")
        pool = cognito.create_user_pool(PoolName="delayed")["UserPool"]["Id"]
        created = cognito.create_user_pool_client(
            UserPoolId=pool, ClientName="caller", GenerateSecret=True
        )["UserPoolClient"]
        client = {"UserPoolId": pool, "ClientId": created["ClientId"]}

        def error_with_a_new_secret() -> str:
            added = cognito.add_user_pool_client_secret(**client)["ClientSecretDescriptor"]
            response = httpx.post(
                f"{aws.url}/oauth2/token",
                data={"grant_type": "client_credentials"},
                auth=(client["ClientId"], added["ClientSecretValue"]),
            )
            cognito.delete_user_pool_client_secret(**client, ClientSecretId=added["ClientSecretId"])
            return str(response.json()["error"])

        assert error_with_a_new_secret() == "invalid_client"
        aws.control().call("SetClientSecretDelay", Seconds=0)
        # It has no OAuth 2.0 flow, which is decided after the client secret.
        assert error_with_a_new_secret() == "invalid_grant"


def test_the_example_runs_an_image_as_a_service(engine: DockerEngine, image: str) -> None:
    done = subprocess.run(
        [sys.executable, str(_EXAMPLE), image, "8080", "/healthz"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"DOCKER_HOST": engine.host},
    )
    assert done.returncode == 0, done.stderr
    created, called = done.stdout.splitlines()
    assert created == "example RUNNING"
    assert called.endswith("/healthz 200")
    client = docker.DockerClient(engine.host)
    try:
        left = client.containers.list(all=True, filters={"label": f"{OWNER_LABEL}"})
        assert not [each for each in left if each.labels[OWNER_LABEL].startswith("standalone-")]
    finally:
        client.close()


def test_a_missing_docker_engine_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with (
        pytest.raises(LocalCloudError, match="no Docker Engine answers at unix://"),
        aws_endpoint(),
    ):
        pytest.fail("started without Docker")
