"""Brings the whole stand-in cloud up and down: one engine, one Docker, three services."""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Self

import certifi
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from localcloud import docker_engine, processes
from localcloud.certificates import CertificateAuthority
from localcloud.engine import cli as engine_cli
from localcloud.errors import LocalCloudError
from localcloud.paths import PROJECT_DIRECTORY, Home
from localcloud.progress import Progress
from localcloud.workspace import write_workspace

REGION = "us-east-1"
CONTAINER_HOST = "host.docker.internal"
"""How a container names this machine."""

_LOCK_TIMEOUT = 900
_SERVICES = ("providers", "aws", "aura")
_AWS_TIMEOUT = 60.0
_PROVIDERS_TIMEOUT = 60.0
# Neo4j's jars may have to come first.
_AURA_TIMEOUT = 900.0

PORT_VARIABLES = {
    "aws": "LOCALCLOUD_AWS_PORT",
    "services": "LOCALCLOUD_SERVICE_PORTS",
    "bolt": "LOCALCLOUD_BOLT_PORT",
    "console": "LOCALCLOUD_CONSOLE_PORT",
}
"""The environment variables that move the stand-in's ports."""

Port = Annotated[int, Field(ge=0, le=65535)]


class Ports(BaseModel):
    """Where the stand-in cloud listens on this machine.

    Attributes:
        aws: the AWS endpoint.
        services: the first and last port of the range for App Runner's services, one each.
        bolt: the emulated Aura's Bolt.
        console: the emulated Aura's console.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    aws: Port = 4566
    services: tuple[Port, Port] = (8443, 8462)
    bolt: Port = 7687
    console: Port = 7474

    @classmethod
    def from_environment(cls) -> Self:
        """Read the ports from the environment; the defaults where it sets none.

        Returns:
            The ports.

        Raises:
            LocalCloudError: a variable holds no port, or no range of ports.
        """
        given = {
            field: os.environ[variable]
            for field, variable in PORT_VARIABLES.items()
            if os.environ.get(variable)
        }
        services = given.pop("services", None)
        try:
            return cls.model_validate(
                given | ({"services": services.split("-")} if services else {})
            )
        except ValidationError as error:
            problems = [
                f"{PORT_VARIABLES[str(each['loc'][0])]}: {each['msg']}" for each in error.errors()
            ]
            raise LocalCloudError(
                "These environment variables are wrong (one port each, and FIRST-LAST for"
                f" {PORT_VARIABLES['services']}):\n" + "\n".join(problems)
            ) from None


class Cloud(BaseModel):
    """A stand-in cloud that runs.

    Attributes:
        ports: where it was told to listen.
        aws_endpoint: the AWS endpoint's URL.
        bolt_uri: the emulated Aura's URI from this machine.
        console_url: the emulated Aura's console.
        console_credentials: the file with the Aura instance's own administrator's credentials.
        docker_host: the Docker Engine's address.
        debug_providers: the providers' ports, as the engine's PULUMI_DEBUG_PROVIDERS.
        home: the folder with its state.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ports: Ports
    aws_endpoint: str
    bolt_uri: str
    console_url: str
    console_credentials: Path
    docker_host: str
    debug_providers: str
    home: Path

    @classmethod
    def find(cls, home: Home) -> Self | None:
        """Find the stand-in cloud of a folder.

        Args:
            home: the folder with its state.

        Returns:
            The cloud; None where it doesn't run, or not all of it.
        """
        try:
            cloud = cls.model_validate_json(home.description.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValidationError):
            return None
        services = (processes.find(name, records=_records(home)) for name in _SERVICES)
        return cloud if all(services) else None

    def environment(self) -> dict[str, str]:
        """Give what a person's own tools need to use the stand-in cloud.

        Returns:
            Environment variables for boto3 and the AWS CLI, Pulumi, Docker, the neo4j driver,
            and for everything that verifies TLS certificates.
        """
        home = Home(self.home)
        bundle = str(home.certificate_bundle)
        return {
            "AWS_ENDPOINT_URL": self.aws_endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            # Throw-away keys: the endpoint checks no signature, but boto3 wants to sign.
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            # A person's own profile must not get between.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_CA_BUNDLE": bundle,
            "CURL_CA_BUNDLE": bundle,
            "REQUESTS_CA_BUNDLE": bundle,
            "SSL_CERT_FILE": bundle,
            "DOCKER_HOST": self.docker_host,
            "NEO4J_URI": self.bolt_uri,
            "PULUMI_BACKEND_URL": home.backend_url,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(home.passphrase),
            "PULUMI_DEBUG_PROVIDERS": self.debug_providers,
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(home.pulumi / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }


def find_running(home: Home) -> Cloud:
    """Find the stand-in cloud of a folder.

    Args:
        home: the folder with its state.

    Returns:
        The cloud.

    Raises:
        LocalCloudError: it doesn't run, or not all of it.
    """
    found = Cloud.find(home)
    if found is None:
        raise LocalCloudError("The stand-in cloud doesn't run. Start it with: make demo")
    return found


def up(home: Home, ports: Ports, progress: Progress) -> Cloud:
    """Start the stand-in cloud, find it running, or repair what an interrupted start left.

    Args:
        home: the folder for its state.
        ports: where it is to listen.
        progress: where to tell what takes time.

    Returns:
        The running cloud.

    Raises:
        LocalCloudError: it can't start; what did start goes on, for the next start to find.
    """
    home.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(home):
        running = Cloud.find(home)
        if running is not None:
            if running.ports != ports:
                raise LocalCloudError(
                    "The stand-in cloud runs already, on other ports. Run `make down` first."
                )
            return running
        if processes.find("aws", records=_records(home)) is None:
            _forget_lost_resources(home, progress)
        cloud = _start(home, ports, progress)
        home.description.write_text(cloud.model_dump_json(indent=2), encoding="utf-8")
        return cloud


def down(home: Home, progress: Progress) -> None:
    """Stop the stand-in cloud and remove all it made.

    Args:
        home: the folder with its state; gone afterwards.
        progress: where to tell what takes time.

    Raises:
        LocalCloudError: something can't be stopped.
    """
    if not home.directory.exists():
        return
    with _locked(home), progress.step("Stopping the stand-in cloud"):
        aws = processes.find("aws", records=_records(home))
        with ThreadPoolExecutor() as pool:
            stopping = [
                pool.submit(processes.stop, name, records=_records(home)) for name in _SERVICES
            ]
        for each in stopping:
            each.result()
        docker_host = docker_engine.find()
        if aws is not None and docker_host is not None:
            registry = aws["aws"].removeprefix("http://")
            docker_engine.sweep(docker_host, home, registry=registry)
        docker_engine.release(home)
        shutil.rmtree(home.directory)


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    home.lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home.lock, timeout=_LOCK_TIMEOUT):
            yield
    except Timeout as error:
        raise LocalCloudError(
            f"Another command has been starting or stopping this stand-in for {_LOCK_TIMEOUT} s."
        ) from error


def _records(home: Home) -> Path:
    return home.directory / "services"


def _forget_lost_resources(home: Home, progress: Progress) -> None:
    """Drop the stacks' states where the resources in them went with the AWS endpoint.

    The endpoint keeps its resources in memory: after a crash or a reboot there is nothing left
    that a state could describe, and a deployment against it would only fail.
    """
    if home.pulumi.exists():
        progress.note("The stand-in cloud was not stopped by `make down`: it starts anew, empty.")
    for leftover in (home.pulumi, home.workspace, home.aura):
        shutil.rmtree(leftover, ignore_errors=True)


def _start(home: Home, ports: Ports, progress: Progress) -> Cloud:
    authority = CertificateAuthority.load_or_create(home.authority)
    _write_certificate_bundle(home, authority)
    _write_passphrase(home)
    with ThreadPoolExecutor() as pool:
        # The engine takes longest by far when it must be built, and only a deployment needs it.
        engine = pool.submit(engine_cli.ensure, progress)
        docker = pool.submit(docker_engine.ensure, progress, home)
        jars = pool.submit(_ensure_database, progress)
        providers = pool.submit(_start_providers, home, progress)
        aws = pool.submit(_start_aws, home, ports, docker.result(), progress)
        aura = pool.submit(_start_aura, home, ports, docker.result(), jars.result(), progress)
    _link_engine(home, engine.result())
    write_workspace(
        PROJECT_DIRECTORY,
        home.workspace,
        aws_endpoint=aws.result()["aws"],
        neo4j_uri=aura.result()["bolt"].replace("localhost", CONTAINER_HOST),
        trusted_certificates=authority.certificate_pem,
    )
    return Cloud(
        ports=ports,
        aws_endpoint=aws.result()["aws"],
        bolt_uri=aura.result()["bolt"],
        console_url=aura.result()["console"],
        console_credentials=Path(aura.result()["credentials"]),
        docker_host=docker.result().host,
        debug_providers=_debug_providers(providers.result()),
        home=home.directory,
    )


def _debug_providers(addresses: Mapping[str, str]) -> str:
    """Name the attached providers as the engine wants them: aws:PORT,docker:PORT,random:PORT."""
    return ",".join(
        f"{name}:{address.rpartition(':')[2]}" for name, address in sorted(addresses.items())
    )


def _write_certificate_bundle(home: Home, authority: CertificateAuthority) -> None:
    public = Path(certifi.where()).read_text(encoding="utf-8")
    home.certificate_bundle.write_text(public + authority.certificate_pem, encoding="utf-8")


def _write_passphrase(home: Home) -> None:
    if home.passphrase.exists():
        return
    home.pulumi.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home.pulumi / "backend").mkdir(exist_ok=True)
    with open(home.passphrase, "x", encoding="ascii", opener=_private) as file:
        file.write(secrets.token_urlsafe(32))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def _link_engine(home: Home, command: Path) -> None:
    """Give the engine the place in which Pulumi's Automation API and a PATH look for it."""
    home.engine_command.parent.mkdir(parents=True, exist_ok=True)
    home.engine_command.unlink(missing_ok=True)
    home.engine_command.symlink_to(command)
