"""An AWS endpoint for the tests, with the official server's image in its registry."""

import base64
import contextlib
import io
import json
import os
import signal
import ssl
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3.session
import docker
import pytest
from botocore.config import Config

from localcloud import docker_engine
from localcloud.access_key import AccessKey
from localcloud.aws.control import ControlClient
from localcloud.certificates import CertificateAuthority
from localcloud.labels import OWNER_LABEL
from localcloud.paths import Home
from localcloud.progress import Progress
from localcloud.readiness import read_announcement
from localcloud.toolchains import ensure_node
from server.releases import RELEASES
from server.wheel import fetch_binary
from tests.ports import free_ports
from tests.repository import ROOT

REGION = "us-east-1"
ACCOUNT = "000000000000"
# Another run of the tests may use the same engine.
OWNER = f"test-aws-{os.getpid()}"
_SERVICE_PORTS = 12
_START_TIMEOUT = 60
SERVER_ENVIRONMENT = {
    "NEO4J_MCP_URI": "bolt://host.docker.internal:1",
    "NEO4J_MCP_TRANSPORT_MODE": "http",
    "NEO4J_MCP_HTTP_HOST": "0.0.0.0",  # noqa: S104 - inside a container
    "NEO4J_MCP_HTTP_PORT": "8080",
    "NEO4J_MCP_TELEMETRY": "false",
    "NEO4J_MCP_HTTP_ALLOW_UNAUTHENTICATED_PING": "true",
}
PULL_ACTIONS = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
]


@dataclass(kw_only=True)
class AwsEndpoint:
    """A running endpoint and its clients."""

    url: str
    key: AccessKey
    authority: CertificateAuthority
    docker: docker.DockerClient
    bridge_address: str
    process: subprocess.Popen[bytes]
    _clients: dict[tuple[str, str, AccessKey], Any] = field(default_factory=dict)

    @property
    def registry(self) -> str:
        return self.url.removeprefix("http://")

    def client(self, service: str, *, region: str = REGION, key: AccessKey | None = None) -> Any:  # noqa: ANN401 - boto3 creates its clients at run time
        key = key or self.key
        cached = self._clients.get((service, region, key))
        if cached is None:
            cached = boto3.session.Session().client(
                service,  # type: ignore[call-overload] # the name is no literal
                endpoint_url=self.url,
                region_name=region,
                aws_access_key_id=key.key_id,
                aws_secret_access_key=key.secret,
                # The service must refuse invalid requests, not the client.
                config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
            )
            self._clients[service, region, key] = cached
        return cached

    def control(self) -> ControlClient:
        return ControlClient(url=self.url, region=REGION, key=self.key)

    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority.certificate_path))

    def login(self) -> dict[str, str]:
        data = self.client("ecr").get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        return {"username": user, "password": password}

    def push(self, tag: str, login: Mapping[str, str] | None) -> tuple[str | None, str | None]:
        """Push an image, and return its digest or the error."""
        lines = self.docker.images.push(
            tag, stream=True, decode=True, auth_config=None if login is None else dict(login)
        )
        digest = error = None
        for line in lines:
            digest = line.get("aux", {}).get("Digest", digest)
            error = line.get("error", error)
        return digest, error

    def build(self, tag: str, server: bytes, label: str) -> None:
        """Build an image of the official server, different for each label."""
        dockerfile = (
            "FROM scratch\nCOPY server /server\nUSER 65532:65532\n"
            f'LABEL content="{label}"\nENTRYPOINT ["/server"]\n'
        )
        self.docker.images.build(
            fileobj=tar_archive({"server": server, "Dockerfile": dockerfile.encode()}),
            custom_context=True,
            tag=tag,
            platform="linux/amd64",
            rm=True,
        )

    def containers(self, service: str | None = None) -> list[Any]:
        labels = [f"{OWNER_LABEL}={OWNER}"]
        if service is not None:
            labels.append(f"{OWNER_LABEL}.service={service}")
        return list(
            self.docker.containers.list(all=True, ignore_removed=True, filters={"label": labels})
        )


@dataclass(kw_only=True)
class Deployments:
    """Creates App Runner services for one test, and deletes them after it."""

    endpoint: AwsEndpoint
    image: str
    access_role: str
    _arns: list[str] = field(default_factory=list)

    def configuration(
        self,
        *,
        image: str | None = None,
        environment: Mapping[str, str] | None = None,
        access_role: str | None = None,
        **image_configuration: object,
    ) -> dict[str, Any]:
        """Return a SourceConfiguration that works, with changes."""
        return {
            "ImageRepository": {
                "ImageIdentifier": image or self.image,
                "ImageRepositoryType": "ECR",
                "ImageConfiguration": {
                    "Port": "8080",
                    "RuntimeEnvironmentVariables": {**SERVER_ENVIRONMENT, **(environment or {})},
                    **image_configuration,
                },
            },
            "AuthenticationConfiguration": {"AccessRoleArn": access_role or self.access_role},
        }

    def create(self, name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the API
        request = {
            "ServiceName": name,
            "SourceConfiguration": self.configuration(),
            "HealthCheckConfiguration": {"Protocol": "HTTP", "Path": "/healthz", "Interval": 1},
            **changes,
        }
        service: dict[str, Any] = self.endpoint.client("apprunner").create_service(**request)[
            "Service"
        ]
        self._arns.append(service["ServiceArn"])
        return service

    def settled(self, arn: str, timeout: float = 60) -> dict[str, Any]:
        """Wait until no operation is in progress."""

        def settled_service() -> dict[str, Any] | None:
            service: dict[str, Any] = self.endpoint.client("apprunner").describe_service(
                ServiceArn=arn
            )["Service"]
            return None if service["Status"] == "OPERATION_IN_PROGRESS" else service

        settled: dict[str, Any] = eventually(settled_service, timeout)
        return settled

    def running(self, name: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - members of the API
        service = self.settled(self.create(name, **changes)["ServiceArn"])
        assert service["Status"] == "RUNNING", self.messages(service, "service")
        return service

    def operations(self, arn: str) -> list[tuple[str, str]]:
        """Return the service's operations and their states, newest first."""
        listed = self.endpoint.client("apprunner").list_operations(ServiceArn=arn)
        return [(each["Type"], each["Status"]) for each in listed["OperationSummaryList"]]

    def messages(self, service: Mapping[str, Any], group: str) -> str:
        """Return all log messages of one of the service's log groups."""
        logs = self.endpoint.client("logs")
        name = f"/aws/apprunner/{service['ServiceName']}/{service['ServiceId']}/{group}"
        found: list[str] = []
        with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
            events = logs.filter_log_events(logGroupName=name)["events"]
            found = [event["message"] for event in events]
        return "\n".join(found)

    def clean_up(self) -> None:
        client = self.endpoint.client("apprunner")
        gone = (
            client.exceptions.ResourceNotFoundException,
            client.exceptions.InvalidStateException,
        )
        for arn in self._arns:
            with contextlib.suppress(*gone):
                self.settled(arn)
                client.delete_service(ServiceArn=arn)
        for arn in self._arns:
            with contextlib.suppress(*gone):
                self.settled(arn)


def eventually(find: Callable[[], Any], timeout: float = 30) -> Any:  # noqa: ANN401 - the type of what is found
    """Call a function until it returns something true, and return that."""
    deadline = time.monotonic() + timeout
    while not (found := find()):
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing was found within {timeout} s")
        time.sleep(0.05)
    return found


def endpoint_arguments(
    *, ports: Sequence[int], owner: str, authority: Path, state: Path, credentials: Path
) -> list[str]:
    return [
        "--port=0",
        f"--service-ports={ports[0]}-{ports[-1]}",
        f"--owner={owner}",
        f"--certificate-authority={authority}",
        f"--state-dir={state}",
        f"--credentials={credentials}",
    ]


def start_endpoint(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    """Start the endpoint and wait until it announces itself."""
    read_fd, write_fd = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud.aws", "--ready-fd", str(write_fd), *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        pass_fds=[write_fd],
    )
    os.close(write_fd)
    addresses = read_announcement(read_fd, _START_TIMEOUT)
    if addresses is None:
        process.kill()
        process.wait()
        raise AssertionError("the endpoint ended before it was ready")
    return process, addresses


def stop_endpoint(process: subprocess.Popen[bytes]) -> None:
    """Stop the endpoint; it exits with 0 even if operations are in progress."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[docker_engine.DockerEngine]:
    home = Home(tmp_path_factory.mktemp("home"))
    yield docker_engine.ensure(Progress(), home)
    docker_engine.release(home)


@pytest.fixture(scope="session")
def endpoint(
    engine: docker_engine.DockerEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AwsEndpoint]:
    authority = CertificateAuthority.load_or_create(tmp_path_factory.mktemp("authority"))
    credentials = tmp_path_factory.mktemp("credentials") / "aws-credentials"
    ports = free_ports(_SERVICE_PORTS)
    process, addresses = start_endpoint(
        [
            *endpoint_arguments(
                ports=ports,
                owner=OWNER,
                authority=authority.directory,
                state=tmp_path_factory.mktemp("aws"),
                credentials=credentials,
            ),
            "--scale-in-after=3",
            "--metrics-period=1",
            "--settle-time=1",
            "--request-timeout=30",
            "--edge-deployment=0.1",
            "--rate-period=0.2",
            f"--node={ensure_node(Progress())}",
        ],
        {"DOCKER_HOST": engine.host},
    )
    client = docker.DockerClient(engine.host)
    yield AwsEndpoint(
        url=addresses["endpoint"],
        key=AccessKey.load(credentials),
        authority=authority,
        docker=client,
        bridge_address=engine.bridge_address,
        process=process,
    )
    stop_endpoint(process)
    client.close()


@pytest.fixture(scope="session")
def server_binary() -> bytes:
    release = next(iter(RELEASES.values()))
    return fetch_binary(release, ROOT / "server" / "build" / "wheels")


@pytest.fixture(scope="session")
def repository(endpoint: AwsEndpoint) -> dict[str, Any]:
    created: dict[str, Any] = endpoint.client("ecr").create_repository(
        repositoryName="server",
        imageTagMutability="IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": True},
    )["repository"]
    return created


@pytest.fixture(scope="session")
def image(endpoint: AwsEndpoint, repository: Mapping[str, Any], server_binary: bytes) -> str:
    """The pushed image, by digest."""
    tag = f"{repository['repositoryUri']}:1"
    endpoint.build(tag, server_binary, "first")
    digest, error = endpoint.push(tag, endpoint.login())
    assert error is None
    endpoint.docker.images.remove(tag)
    return f"{repository['repositoryUri']}@{digest}"


def create_role(
    endpoint: AwsEndpoint, name: str, service: str, statements: Sequence[Mapping[str, Any]]
) -> str:
    """Create a role that a service may assume."""
    iam = endpoint.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    if statements:
        iam.put_role_policy(
            RoleName=name,
            PolicyName="access",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
        )
    return str(role["Arn"])


@pytest.fixture(scope="session")
def access_role(endpoint: AwsEndpoint, repository: Mapping[str, Any]) -> str:
    return create_role(
        endpoint,
        "access",
        "build.apprunner.amazonaws.com",
        [
            {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {
                "Effect": "Allow",
                "Action": PULL_ACTIONS,
                "Resource": repository["repositoryArn"],
            },
        ],
    )


@pytest.fixture
def deployments(endpoint: AwsEndpoint, image: str, access_role: str) -> Iterator[Deployments]:
    created = Deployments(endpoint=endpoint, image=image, access_role=access_role)
    yield created
    created.clean_up()


def tar_archive(files: Mapping[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer
