"""Starts and stops the whole stand-in cloud: Docker, Pulumi's engine and three services."""

import contextlib
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Self

import boto3.session
import botocore.config
from pydantic import BaseModel, ConfigDict, ValidationError

from localcloud import docker_engine, prerequisites, processes, services, toolchains, trust
from localcloud.access_key import AccessKey, credentials_environment
from localcloud.aura import distribution
from localcloud.aws.control import ControlClient
from localcloud.cancellation import CancellableThreads
from localcloud.certificates import CertificateAuthority
from localcloud.docker_engine import DockerEngine
from localcloud.engine import cli as engine_cli
from localcloud.errors import LocalCloudError
from localcloud.files import make_private_folder, write_atomically
from localcloud.paths import Home, cache_directory, project_directory
from localcloud.ports import PORT_VARIABLES, Ports, require_free
from localcloud.processes import State
from localcloud.progress import Progress
from localcloud.turns import turn
from localcloud.workspace import write_workspace

REGION = "us-east-1"
CONTAINER_HOST = "host.docker.internal"
"""The host name of this machine in its containers."""


class Cloud(BaseModel):
    """A stand-in cloud that was started.

    Attributes:
        ports: the requested ports; the addresses below have the actual ones.
        aws_endpoint: the AWS endpoint's URL.
        bolt_uri: the emulated Aura's URI from this machine.
        console_url: the emulated Aura's console.
        console_credentials: the file with the credentials of the Aura instance's administrator.
        database_uri: the URI of its database without the gateway, for measurements; the
            administrator can log on to it.
        docker_host: the Docker Engine's address.
        debug_providers: the providers' ports, for PULUMI_DEBUG_PROVIDERS.
        home: the folder with its state.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ports: Ports
    aws_endpoint: str
    bolt_uri: str
    console_url: str
    console_credentials: Path
    database_uri: str
    docker_host: str
    debug_providers: str
    home: Path

    @classmethod
    def find(cls, home: Home) -> Self | None:
        """Return the stand-in cloud of a folder, or None unless all of it runs."""
        cloud = cls.read(home)
        if cloud is None or not docker_engine.answers(cloud.docker_host):
            return None
        return cloud if all(state is State.RUNNING for state in _states(home).values()) else None

    @classmethod
    def read(cls, home: Home) -> Self | None:
        """Read the description that the last start wrote, whether the stand-in runs or not.

        Returns:
            None if no start has completed.
        """
        try:
            return cls.model_validate_json(home.description.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValidationError):
            return None

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which a person's own tools use the stand-in.

        They are for boto3 and the AWS CLI, Pulumi, Docker, Neo4j's drivers, `python -m automation`,
        and everything that verifies TLS certificates; README.md has the list.
        """
        home = Home(self.home)
        bundle = str(home.certificate_bundle)
        return {
            "AWS_ENDPOINT_URL": self.aws_endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            **credentials_environment(self._credentials_file()),
            "AUTOMATION_WORKSPACE": str(home.workspace),
            "AUTOMATION_PAUSE_DATABASE": self._command("pause-database"),
            "AUTOMATION_RESUME_DATABASE": self._command("resume-database"),
            "AUTOMATION_CONNECT_DATABASE": self._command("connect-database"),
            "AUTOMATION_DETOUR_DATABASE": self._command("detour-database"),
            "AUTOMATION_DIRECT_DATABASE": self.database_uri,
            "AUTOMATION_DIRECT_CREDENTIALS": str(self.console_credentials),
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

    def control(self) -> ControlClient:
        """Create a client for the AWS endpoint's own operations, which tests use."""
        return ControlClient(url=self.aws_endpoint, region=REGION, key=self.access_key())

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 creates its clients at run time
        """Create a boto3 client for a service of the AWS endpoint."""
        key = self.access_key()
        session = boto3.session.Session(
            aws_access_key_id=key.key_id, aws_secret_access_key=key.secret, region_name=REGION
        )
        # A person's proxy can't reach the endpoint, which is on this machine.
        config = botocore.config.Config(proxies={}, retries={"total_max_attempts": 2})
        client: Any = session.client(service, endpoint_url=self.aws_endpoint, config=config)  # type: ignore[call-overload] # the name is no literal
        return client

    def _credentials_file(self) -> Path:
        """Return the file with the stand-in's access key.

        Raises:
            LocalCloudError: there is none.
        """
        credentials = Home(self.home).aws_credentials
        if not credentials.exists():
            raise LocalCloudError(
                "The stand-in cloud was started by an earlier version of this program, without an"
                f" access key ({credentials}). Start it again with: make down && make demo"
            )
        return credentials

    def _command(self, name: str) -> str:
        return shlex.join(
            [sys.executable, "-m", "localcloud", name, "--home", str(self.home.absolute())]
        )


class Detour(BaseModel):
    """A database that left its addresses to a proxy.

    Attributes:
        listen: the addresses that it left, where its callers still connect to.
        upstream: the address where it answers instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: tuple[str, ...]
    upstream: str


class Part(BaseModel):
    """The state of one service.

    Attributes:
        name: one of `services.NAMES`.
        state: whether it runs.
        pid: its process; None if it was stopped or never started.
        log: its log, which may not exist.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    state: State
    pid: int | None
    log: Path


class Status(BaseModel):
    """The state of a stand-in.

    Attributes:
        parts: its services.
        docker: whether its Docker Engine answers; None if no start has completed.
        cloud: its description; None if no start has completed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: tuple[Part, ...]
    docker: bool | None
    cloud: Cloud | None

    @property
    def complete(self) -> bool:
        """Whether all of it runs."""
        return bool(
            self.cloud and self.docker and all(part.state is State.RUNNING for part in self.parts)
        )

    @property
    def begun(self) -> bool:
        """Whether any of it runs, is starting or has died."""
        return any(part.state is not State.STOPPED for part in self.parts)

    @property
    def missing(self) -> tuple[str, ...]:
        """A line for each part that doesn't run, with its log."""
        lines = [
            f"{services.TITLES[part.name]} {_STATE_TEXTS[part.state]}"
            + (f"; its log: {part.log}" if part.log.exists() else "")
            for part in self.parts
            if part.state is not State.RUNNING
        ]
        if self.docker is False and self.cloud:
            lines.append(f"The Docker Engine at {self.cloud.docker_host} doesn't answer")
        return tuple(lines)


_STATE_TEXTS = {
    State.STARTING: "is starting",
    State.STOPPED: "is stopped",
    State.DIED: "has died",
}


def status(home: Home) -> Status:
    """Report which parts of a stand-in run."""
    parts = []
    for name in services.NAMES:
        found = processes.find(name, records=services.records(home))
        log = home.logs / f"{name}.log"
        parts.append(Part(name=name, state=found.state, pid=found.pid, log=log))
    cloud = Cloud.read(home)
    docker = docker_engine.answers(cloud.docker_host) if cloud else None
    return Status(parts=tuple(parts), docker=docker, cloud=cloud)


def find_running(home: Home) -> Cloud:
    """Return the running stand-in cloud of a folder.

    Raises:
        LocalCloudError: it doesn't run, or not all of it.
    """
    found = status(home)
    if found.cloud and found.complete:
        return found.cloud
    if not found.begun:
        raise _not_running()
    raise LocalCloudError(
        "Not all of the stand-in cloud runs. `make demo` starts what is missing:\n"
        + "\n".join(found.missing)
    )


def up(home: Home, ports: Ports, progress: Progress) -> Cloud:
    """Start the stand-in cloud, or whatever part of it doesn't run.

    Raises:
        LocalCloudError: it can't start; everything that this call started is stopped again.
    """
    # It holds the locks, and programs that are run.
    make_private_folder(cache_directory())
    with turn(home, progress.note):
        _remove(home.discarded)
        make_private_folder(home.directory)
        before = Cloud.read(home)
        if before is None:
            # A start that was killed may have left services, perhaps on other ports.
            services.stop(home, services.NAMES)
        running = [name for name, state in _states(home).items() if state is State.RUNNING]
        if before and running and before.ports != ports:
            raise _runs_on_other_ports(before.ports, ports)
        if before and status(home).complete:
            _write_workspace(home, before, progress)
            return before
        missing = [name for name in services.NAMES if name not in running]
        _report_restarts(home, missing, progress)
        if services.AWS in missing:
            _delete_stale_states(home)
        cloud = _start(home, ports, missing, progress)
        write_atomically(home.description, cloud.model_dump_json(indent=2))
        return cloud


def pause_database(home: Home, progress: Progress) -> None:
    """Stop the emulated Aura, as a pause or an outage does: nobody can connect any more.

    Raises:
        LocalCloudError: the stand-in doesn't run.
    """
    with turn(home, progress.note), progress.step("Stopping the database"):
        _require_described(home)
        processes.stop(services.AURA, records=services.records(home))


def resume_database(home: Home, progress: Progress) -> None:
    """Start the emulated Aura again with its data and settings, unless it runs at its address.

    Raises:
        LocalCloudError: the stand-in doesn't run, or the database can't start.
    """
    with turn(home, progress.note):
        running = _require_described(home)
        records = services.records(home)
        address = processes.find(services.AURA, records=records).addresses.get("bolt")
        if address != running.bolt_uri:
            processes.stop(services.AURA, records=records)
        _start_database(home, running, _port_of(running.bolt_uri), progress)


def detour_database(home: Home, progress: Progress) -> Detour:
    """Start the emulated Aura again at another address, so that a proxy can take its own.

    `resume_database` starts it at its own address again, which has to be free by then.

    Raises:
        LocalCloudError: the stand-in doesn't run, or the database can't start.
    """
    with turn(home, progress.note):
        running = _require_described(home)
        processes.stop(services.AURA, records=services.records(home))
        docker, addresses = _start_database(home, running, 0, progress)
        port = _port_of(running.bolt_uri)
        return Detour(
            listen=tuple(f"{each}:{port}" for each in services.aura_addresses(docker)),
            upstream=f"127.0.0.1:{_port_of(addresses['bolt'])}",
        )


def _start_database(
    home: Home, running: Cloud, bolt_port: int, progress: Progress
) -> tuple[DockerEngine, dict[str, str]]:
    java = _prepare_database(progress)
    docker = docker_engine.ensure(progress, home)
    with progress.step("Starting the database", expect="about 10 seconds"):
        addresses = services.start_aura(
            home,
            docker,
            java,
            bolt_port=bolt_port,
            console_port=_port_of(running.console_url),
        )
    return docker, addresses


def down(home: Home, progress: Progress) -> None:
    """Stop the stand-in cloud, or whatever part of it runs, and remove everything it made.

    Raises:
        LocalCloudError: something can't be stopped or removed; another `down` tries again.
    """
    with turn(home, progress.note):
        _remove(home.discarded)
        if not home.directory.exists():
            return
        with progress.step("Stopping the stand-in cloud"):
            services.stop(home, services.NAMES)
            if home.docker_host.exists():
                docker_host = home.docker_host.read_text(encoding="utf-8")
                docker_engine.sweep(docker_host, home, registries=_registries(home))
            docker_engine.release(home)
            # An interrupted removal leaves the renamed folder, which the next command removes.
            home.directory.rename(home.discarded)
            _remove(home.discarded)


def _remove(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _states(home: Home) -> dict[str, State]:
    return {
        name: processes.find(name, records=services.records(home)).state for name in services.NAMES
    }


def _require_described(home: Home) -> Cloud:
    """Return the description of a stand-in, even if some of its services are stopped."""
    cloud = Cloud.read(home)
    if cloud is None:
        raise _not_running()
    return cloud


def _not_running() -> LocalCloudError:
    return LocalCloudError("The stand-in cloud doesn't run. Start it with: make demo")


def _runs_on_other_ports(before: Ports, wanted: Ports) -> LocalCloudError:
    moved = [
        variable for name, variable in PORT_VARIABLES.items() if before.of(name) != wanted.of(name)
    ]
    return LocalCloudError(
        f"The stand-in cloud already runs on other ports ({', '.join(moved)}). To move it, run"
        " `make down` first, which removes what is deployed and the database's data."
    )


def _port_of(address: str) -> int:
    # The requested port may have been 0, for any free one.
    return int(address.rpartition(":")[2])


def _report_restarts(home: Home, missing: Collection[str], progress: Progress) -> None:
    """Report which services are started again, and what was lost; not on a first start."""
    if not home.description.exists():
        return
    for name in missing:
        progress.note(f"{services.TITLES[name]} had stopped: {services.AFTER_A_RESTART[name]}")


def _delete_stale_states(home: Home) -> None:
    """Delete the stacks' states, since the resources in them are gone with the AWS endpoint.

    The endpoint keeps its resources in memory. After a crash or a reboot, a deployment against the
    old state would only fail. The stack's settings and the key to their secrets stay.
    """
    for leftover in (home.backend, home.aws):
        shutil.rmtree(leftover, ignore_errors=True)


def _registries(home: Home) -> list[str]:
    try:
        return home.registries.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return []


def _record_registry(home: Home, port: int) -> None:
    """Record the registry's address before it starts, since `down` may find it dead."""
    known = dict.fromkeys([*_registries(home), f"localhost:{port}"])
    write_atomically(home.registries, "\n".join(known))


def _start(home: Home, ports: Ports, missing: Collection[str], progress: Progress) -> Cloud:
    prerequisites.require(home)
    listening = [port for name in missing for port in services.PORTS[name]]
    require_free(ports, listening)
    trust.write_bundle(os.environ, home)
    _write_passphrase(home)
    AccessKey.load_or_create(home.aws_credentials)
    docker = docker_engine.ensure(progress, home)
    # `down` may run in a shell with another DOCKER_HOST.
    write_atomically(home.docker_host, docker.host)
    if services.AURA in missing:
        require_free(ports, ["bolt"], address=docker.bridge_address)
    _record_registry(home, ports.aws)
    try:
        with CancellableThreads() as threads:
            try:
                cloud = _start_services(home, docker, ports, threads, progress)
            except BaseException:
                # Ends the threads that wait for locks, and those that wait for the services.
                threads.cancel()
                services.stop(home, missing)
                raise
    except BaseException:
        # A thread may have started another one meanwhile.
        services.stop(home, missing)
        raise
    _write_workspace(home, cloud, progress)
    return cloud


def _start_services(
    home: Home,
    docker: docker_engine.DockerEngine,
    ports: Ports,
    threads: CancellableThreads,
    progress: Progress,
) -> Cloud:
    # The engine takes longest if it has to be built, and only a deployment needs it.
    engine = threads.submit(engine_cli.ensure, progress)
    java = threads.submit(_prepare_database, progress)
    with progress.step("Starting Pulumi's providers, the AWS endpoint and Aura"):
        providers = threads.submit(services.start_providers, home, docker)
        aws = threads.submit(_start_aws, home, docker, ports, progress)
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
            database_uri=aura["database"],
            docker_host=docker.host,
            debug_providers=_debug_providers(providers.result()),
            home=home.directory,
        )
    _link_engine(home, engine.result())
    return cloud


def _start_aws(
    home: Home, docker: docker_engine.DockerEngine, ports: Ports, progress: Progress
) -> str:
    return services.start_aws(
        home,
        docker,
        toolchains.ensure_node(progress),
        port=ports.aws,
        service_ports=ports.services,
        region=REGION,
    )


def _write_workspace(home: Home, cloud: Cloud, progress: Progress) -> None:
    authority = CertificateAuthority(directory=home.authority)
    write_workspace(
        project_directory(),
        home.workspace,
        aws_endpoint=cloud.aws_endpoint,
        neo4j_uri=cloud.bolt_uri.replace("localhost", CONTAINER_HOST),
        trusted_certificates=authority.certificate_pem,
        note=progress.note,
    )


def _prepare_database(progress: Progress) -> Path:
    """Get Java and Neo4j's jars, and return the Java command."""
    java = toolchains.ensure_java(progress)
    with progress.step("Preparing Neo4j"):
        distribution.ensure_jars(
            cache_directory(),
            java=java,
            maven=lambda: toolchains.ensure_maven(progress),
            progress=progress.note,
        )
    return java


def _debug_providers(addresses: Mapping[str, str]) -> str:
    """Format the providers' ports as the engine wants them: aws:PORT,docker:PORT,random:PORT."""
    return ",".join(
        f"{name}:{address.rpartition(':')[2]}" for name, address in sorted(addresses.items())
    )


def _write_passphrase(home: Home) -> None:
    home.backend.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.passphrase.exists():
        return
    write_atomically(home.passphrase, secrets.token_urlsafe(32), mode=0o600)


def _link_engine(home: Home, command: Path) -> None:
    """Link the Pulumi CLI where Pulumi's Automation API, and PATH after `env`, look for it."""
    home.engine_command.parent.mkdir(parents=True, exist_ok=True)
    home.engine_command.unlink(missing_ok=True)
    home.engine_command.symlink_to(command)
