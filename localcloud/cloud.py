"""Brings the whole stand-in cloud up and down: one engine, one Docker, three services."""

import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Self

import certifi
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from automation.controls import CONNECT_VARIABLE, PAUSE_VARIABLE, RESUME_VARIABLE
from localcloud import docker_engine, private_files, processes, services, toolchains
from localcloud.access_key import AccessKey
from localcloud.aura import distribution
from localcloud.certificates import CertificateAuthority
from localcloud.engine import cli as engine_cli
from localcloud.errors import LocalCloudError
from localcloud.paths import PROJECT_DIRECTORY, Home, cache_directory
from localcloud.progress import Progress
from localcloud.workspace import write_workspace

REGION = "us-east-1"
CONTAINER_HOST = "host.docker.internal"
"""How a container names this machine."""

_LOCK_TIMEOUT = 900

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
        found = (processes.find(name, records=services.records(home)) for name in services.NAMES)
        return cloud if all(found) and docker_engine.answers(cloud.docker_host) else None

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
            **self._aws_credentials(),
            "AUTOMATION_WORKSPACE": str(home.workspace),
            PAUSE_VARIABLE: self._command("pause-database"),
            RESUME_VARIABLE: self._command("resume-database"),
            CONNECT_VARIABLE: self._command("connect-database"),
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
            # The language host of the built engine doesn't read the project's virtualenv.
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def access_key(self) -> AccessKey:
        """Read the access key that signs requests to the AWS endpoint."""
        return AccessKey.load(Home(self.home).aws_credentials)

    def _aws_credentials(self) -> dict[str, str]:
        """Point AWS's tools to the stand-in's access key, and away from a person's own.

        The file is named instead of the key, which so appears in no output. AWS's tools take an
        empty variable for one that isn't set.
        """
        return {
            "AWS_SHARED_CREDENTIALS_FILE": str(Home(self.home).aws_credentials),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_PROFILE": "default",
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
            "AWS_SESSION_TOKEN": "",
        }

    def _command(self, name: str) -> str:
        return shlex.join(
            [sys.executable, "-m", "localcloud", name, "--home", str(self.home.absolute())]
        )


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
        raise _not_running()
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
        if processes.find(services.AWS, records=services.records(home)) is None:
            _forget_lost_resources(home, progress)
        cloud = _start(home, ports, progress)
        home.description.write_text(cloud.model_dump_json(indent=2), encoding="utf-8")
        return cloud


def pause_database(home: Home, progress: Progress) -> None:
    """Stop the emulated Aura, as a pause or an outage does: nobody can connect any more.

    Args:
        home: the folder with the stand-in's state.
        progress: where to tell what takes time.

    Raises:
        LocalCloudError: the stand-in doesn't run.
    """
    with _locked(home), progress.step("Stopping the database"):
        _described(home)
        processes.stop(services.AURA, records=services.records(home))


def resume_database(home: Home, progress: Progress) -> None:
    """Start the emulated Aura again, with its data and its settings; one that runs is left.

    Args:
        home: the folder with the stand-in's state.
        progress: where to tell what takes time.

    Raises:
        LocalCloudError: the stand-in doesn't run, or the database can't start.
    """
    with _locked(home):
        running = _described(home)
        java = _database_ready_to_start(progress)
        docker = docker_engine.ensure(progress, home)
        with progress.step("Starting the database", expect="about 10 seconds"):
            services.start_aura(
                home,
                docker,
                java,
                bolt_port=_port_of(running.bolt_uri),
                console_port=_port_of(running.console_url),
            )


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
        aws = processes.find(services.AWS, records=services.records(home))
        services.stop_all(home)
        if aws is not None and home.docker_host.exists():
            registry = aws["endpoint"].removeprefix("http://")
            docker_host = home.docker_host.read_text(encoding="utf-8")
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


def _described(home: Home) -> Cloud:
    """Read what a stand-in was started as, though a part of it may be stopped."""
    try:
        return Cloud.model_validate_json(home.description.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        raise _not_running() from None


def _not_running() -> LocalCloudError:
    return LocalCloudError("The stand-in cloud doesn't run. Start it with: make demo")


def _port_of(address: str) -> int:
    # What it listens on, where it was free to choose.
    return int(address.rpartition(":")[2])


def _forget_lost_resources(home: Home, progress: Progress) -> None:
    """Drop the stacks' states where the resources in them went with the AWS endpoint.

    The endpoint keeps its resources in memory: after a crash or a reboot there is nothing left
    that a state could describe, and a deployment against it would only fail.
    """
    if home.pulumi.exists():
        progress.note("The stand-in cloud was not stopped by `make down`: it starts anew, empty.")
    services.stop_all(home)
    for leftover in (home.pulumi, home.workspace, home.aura, home.aws):
        shutil.rmtree(leftover, ignore_errors=True)


def _start(home: Home, ports: Ports, progress: Progress) -> Cloud:
    authority = CertificateAuthority.load_or_create(home.authority)
    _write_certificate_bundle(home, authority)
    _write_passphrase(home)
    AccessKey.load_or_create(home.aws_credentials)
    with ThreadPoolExecutor() as pool:
        # The engine takes longest by far when it must be built, and only a deployment needs it.
        engine = pool.submit(engine_cli.ensure, progress)
        java = pool.submit(_database_ready_to_start, progress)
        docker = docker_engine.ensure(progress, home)
        # Kept, because `down` may run in a shell with another DOCKER_HOST.
        home.docker_host.write_text(docker.host, encoding="utf-8")
        with progress.step("Starting Pulumi's providers, the AWS endpoint and Aura"):
            providers = pool.submit(services.start_providers, home, docker)
            aws = pool.submit(
                services.start_aws,
                home,
                docker,
                port=ports.aws,
                service_ports=ports.services,
                region=REGION,
            )
            aura = services.start_aura(
                home,
                docker,
                java.result(),
                bolt_port=ports.bolt,
                console_port=ports.console,
            )
            cloud = Cloud(
                ports=ports,
                aws_endpoint=aws.result(),
                bolt_uri=aura["bolt"],
                console_url=aura["console"],
                console_credentials=Path(aura["credentials"]),
                docker_host=docker.host,
                debug_providers=_debug_providers(providers.result()),
                home=home.directory,
            )
    _link_engine(home, engine.result())
    write_workspace(
        PROJECT_DIRECTORY,
        home.workspace,
        aws_endpoint=cloud.aws_endpoint,
        neo4j_uri=cloud.bolt_uri.replace("localhost", CONTAINER_HOST),
        trusted_certificates=authority.certificate_pem,
    )
    return cloud


def _database_ready_to_start(progress: Progress) -> Path:
    """Bring what the database needs; the Java command is what starts it."""
    java = toolchains.java(progress)
    with progress.step("Getting Neo4j ready"):
        distribution.resolve(
            cache_directory(),
            java=java,
            maven=lambda: toolchains.maven(progress),
            progress=progress.note,
        )
    return java


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
    private_files.write(home.passphrase, secrets.token_urlsafe(32))


def _link_engine(home: Home, command: Path) -> None:
    """Give the engine the place in which Pulumi's Automation API and a PATH look for it."""
    home.engine_command.parent.mkdir(parents=True, exist_ok=True)
    home.engine_command.unlink(missing_ok=True)
    home.engine_command.symlink_to(command)
