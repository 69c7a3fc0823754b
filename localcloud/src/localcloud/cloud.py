"""Brings the whole stand-in cloud up and down: one engine, one Docker, three services."""

import contextlib
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from localcloud import docker_engine, prerequisites, processes, services, toolchains, trust
from localcloud.access_key import AccessKey
from localcloud.aura import distribution
from localcloud.certificates import CertificateAuthority
from localcloud.engine import cli as engine_cli
from localcloud.errors import LocalCloudError
from localcloud.files import make_private_folder, write_whole
from localcloud.paths import Home, cache_directory, project_directory
from localcloud.ports import PORT_VARIABLES, Ports, require_free
from localcloud.processes import State
from localcloud.progress import Progress
from localcloud.turns import turn
from localcloud.workspace import write_workspace

REGION = "us-east-1"
CONTAINER_HOST = "host.docker.internal"
"""How a container names this machine."""


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
        """Find the stand-in cloud of a folder; nothing is signalled or written.

        Args:
            home: the folder with its state.

        Returns:
            The cloud; None where it doesn't run, or not all of it.
        """
        cloud = cls.read(home)
        if cloud is None or not docker_engine.answers(cloud.docker_host):
            return None
        return cloud if all(state is State.RUNNING for state in _states(home).values()) else None

    @classmethod
    def read(cls, home: Home) -> Self | None:
        """Read what a stand-in was started as, whether it runs or not.

        Args:
            home: the folder with its state.

        Returns:
            The cloud; None where no start has ever ended well.
        """
        try:
            return cls.model_validate_json(home.description.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValidationError):
            return None

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
            "AUTOMATION_PAUSE_DATABASE": self._command("pause-database"),
            "AUTOMATION_RESUME_DATABASE": self._command("resume-database"),
            "AUTOMATION_CONNECT_DATABASE": self._command("connect-database"),
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

        Raises:
            LocalCloudError: there is no access key.
        """
        credentials = Home(self.home).aws_credentials
        if not credentials.exists():
            raise LocalCloudError(
                "An earlier version of this program started the stand-in cloud, which has no access"
                f" key ({credentials}). Start it again with: make down && make demo"
            )
        return {
            "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
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


class Part(BaseModel):
    """One service of a stand-in.

    Attributes:
        name: the service's name.
        state: what became of it.
        pid: its process; None where it was stopped or never started.
        log: the file to read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    state: State
    pid: int | None
    log: Path


class Status(BaseModel):
    """What of a stand-in runs.

    Attributes:
        parts: its services.
        docker: whether its Docker Engine answers; None where it has none yet.
        cloud: what it was started as; None where no start has ever ended well.
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
        """A line for each part that doesn't run, with the log to read."""
        lines = [
            f"{services.TITLES[part.name]} {_BECAME[part.state]}"
            + (f"; its log: {part.log}" if part.log.exists() else "")
            for part in self.parts
            if part.state is not State.RUNNING
        ]
        if self.docker is False and self.cloud:
            lines.append(f"The Docker Engine at {self.cloud.docker_host} doesn't answer")
        return tuple(lines)


_BECAME = {
    State.STARTING: "is starting",
    State.STOPPED: "is stopped",
    State.DIED: "has died",
}


def status(home: Home) -> Status:
    """Look what of a stand-in runs; nothing is signalled or written.

    Args:
        home: the folder with its state.

    Returns:
        Its status.
    """
    parts = []
    for name in services.NAMES:
        found = processes.find(name, records=services.records(home))
        log = home.logs / f"{name}.log"
        parts.append(Part(name=name, state=found.state, pid=found.pid, log=log))
    cloud = Cloud.read(home)
    docker = docker_engine.answers(cloud.docker_host) if cloud else None
    return Status(parts=tuple(parts), docker=docker, cloud=cloud)


def find_running(home: Home) -> Cloud:
    """Find the stand-in cloud of a folder; nothing is signalled or written.

    Args:
        home: the folder with its state.

    Returns:
        The cloud.

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
    """Start the stand-in cloud, find it running, or start again what of it has died.

    Args:
        home: the folder for its state.
        ports: where it is to listen.
        progress: where to report what takes time.

    Returns:
        The running cloud.

    Raises:
        LocalCloudError: it can't start; what this start began is stopped again.
    """
    # The locks are in it, and programs that are run.
    make_private_folder(cache_directory())
    with turn(home, progress.note):
        _remove(home.discarded)
        make_private_folder(home.directory)
        before = Cloud.read(home)
        if before is None:
            # Left by a start that was killed; they may listen on other ports than these.
            services.stop(home, services.NAMES)
        running = [name for name, state in _states(home).items() if state is State.RUNNING]
        if before and running and before.ports != ports:
            raise _on_other_ports(before.ports, ports)
        if before and status(home).complete:
            _write_workspace(home, before, progress)
            return before
        missing = [name for name in services.NAMES if name not in running]
        _report_repair(home, missing, progress)
        if services.AWS in missing:
            _forget_lost_resources(home)
        cloud = _start(home, ports, missing, progress)
        write_whole(home.description, cloud.model_dump_json(indent=2))
        return cloud


def pause_database(home: Home, progress: Progress) -> None:
    """Stop the emulated Aura, as a pause or an outage does: nobody can connect any more.

    Args:
        home: the folder with the stand-in's state.
        progress: where to report what takes time.

    Raises:
        LocalCloudError: the stand-in doesn't run.
    """
    with turn(home, progress.note), progress.step("Stopping the database"):
        _described(home)
        processes.stop(services.AURA, records=services.records(home))


def resume_database(home: Home, progress: Progress) -> None:
    """Start the emulated Aura again, with its data and its settings; one that runs is left.

    Args:
        home: the folder with the stand-in's state.
        progress: where to report what takes time.

    Raises:
        LocalCloudError: the stand-in doesn't run, or the database can't start.
    """
    with turn(home, progress.note):
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
    """Stop the stand-in cloud, whatever of it runs, and remove all it made.

    Args:
        home: the folder with its state; gone afterwards.
        progress: where to report what takes time.

    Raises:
        LocalCloudError: something can't be stopped or removed; a second `down` tries again.
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
            # Whole or not at all: half a folder would be neither a stand-in nor none.
            home.directory.rename(home.discarded)
            _remove(home.discarded)


def _remove(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _states(home: Home) -> dict[str, State]:
    return {
        name: processes.find(name, records=services.records(home)).state for name in services.NAMES
    }


def _described(home: Home) -> Cloud:
    """Read what a stand-in was started as, though a part of it may be stopped."""
    cloud = Cloud.read(home)
    if cloud is None:
        raise _not_running()
    return cloud


def _not_running() -> LocalCloudError:
    return LocalCloudError("The stand-in cloud doesn't run. Start it with: make demo")


def _on_other_ports(before: Ports, wanted: Ports) -> LocalCloudError:
    moved = [
        variable for name, variable in PORT_VARIABLES.items() if before.of(name) != wanted.of(name)
    ]
    return LocalCloudError(
        f"The stand-in cloud runs already, on other ports ({', '.join(moved)}). To move it, run"
        " `make down` first, which removes what is deployed and the database's data."
    )


def _port_of(address: str) -> int:
    # What it listens on, where it was free to choose.
    return int(address.rpartition(":")[2])


def _report_repair(home: Home, missing: Collection[str], progress: Progress) -> None:
    """Say what is started again, and what went with it; a first start needs no words."""
    if not home.description.exists():
        return
    for name in missing:
        progress.note(f"{services.TITLES[name]} no longer ran: {services.AFTER_A_RESTART[name]}")


def _forget_lost_resources(home: Home) -> None:
    """Drop the stacks' states, where the resources in them went with the AWS endpoint.

    The endpoint keeps its resources in memory: after a crash or a reboot there is nothing left
    that a state could describe, and a deployment against it would only fail. The stack's settings
    and what decrypts their secrets stay.
    """
    for leftover in (home.backend, home.aws):
        shutil.rmtree(leftover, ignore_errors=True)


def _registries(home: Home) -> list[str]:
    try:
        return home.registries.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        return []


def _remember_registry(home: Home, port: int) -> None:
    """Keep the registry's address from before it runs, since `down` may find it dead."""
    known = dict.fromkeys([*_registries(home), f"localhost:{port}"])
    write_whole(home.registries, "\n".join(known))


def _start(home: Home, ports: Ports, missing: Collection[str], progress: Progress) -> Cloud:
    prerequisites.require(home)
    listening = [port for name in missing for port in services.PORTS[name]]
    require_free(ports, listening)
    trust.write_bundle(os.environ, home)
    _write_passphrase(home)
    AccessKey.load_or_create(home.aws_credentials)
    docker = docker_engine.ensure(progress, home)
    # Kept, because `down` may run in a shell with another DOCKER_HOST.
    write_whole(home.docker_host, docker.host)
    if services.AURA in missing:
        require_free(ports, ["bolt"], address=docker.bridge_address)
    _remember_registry(home, ports.aws)
    try:
        with ThreadPoolExecutor() as pool:
            try:
                cloud = _start_services(home, docker, ports, pool, progress)
            except BaseException:
                # So that those who wait for them end too.
                services.stop(home, missing)
                raise
    except BaseException:
        # Also what began only just now.
        services.stop(home, missing)
        raise
    _write_workspace(home, cloud, progress)
    return cloud


def _start_services(
    home: Home,
    docker: docker_engine.DockerEngine,
    ports: Ports,
    pool: ThreadPoolExecutor,
    progress: Progress,
) -> Cloud:
    # The engine takes longest by far when it must be built, and only a deployment needs it.
    engine = pool.submit(engine_cli.ensure, progress)
    java = pool.submit(_database_ready_to_start, progress)
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
    return cloud


def _write_workspace(home: Home, cloud: Cloud, progress: Progress) -> None:
    authority = CertificateAuthority.load_or_create(home.authority)
    write_workspace(
        project_directory(),
        home.workspace,
        aws_endpoint=cloud.aws_endpoint,
        neo4j_uri=cloud.bolt_uri.replace("localhost", CONTAINER_HOST),
        trusted_certificates=authority.certificate_pem,
        note=progress.note,
    )


def _database_ready_to_start(progress: Progress) -> Path:
    """Bring what the database needs; the Java command is what starts it."""
    java = toolchains.java(progress)
    with progress.step("Getting Neo4j ready"):
        distribution.ensure_jars(
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


def _write_passphrase(home: Home) -> None:
    home.backend.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.passphrase.exists():
        return
    write_whole(home.passphrase, secrets.token_urlsafe(32), mode=0o600)


def _link_engine(home: Home, command: Path) -> None:
    """Give the engine the place in which Pulumi's Automation API and a PATH look for it."""
    home.engine_command.parent.mkdir(parents=True, exist_ok=True)
    home.engine_command.unlink(missing_ok=True)
    home.engine_command.symlink_to(command)
