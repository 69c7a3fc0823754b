"""The services of a stand-in cloud, and the command that starts each."""

import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localcloud import processes
from localcloud.access_key import AccessKey
from localcloud.docker_engine import DockerEngine
from localcloud.paths import Home, cache_directory, project_directory
from localcloud.processes import Service

PROVIDERS = "providers"
AWS = "aws"
AURA = "aura"
NAMES = (PROVIDERS, AWS, AURA)
TITLES = {PROVIDERS: "Pulumi's providers", AWS: "The AWS endpoint", AURA: "Aura"}
PORTS = {PROVIDERS: (), AWS: ("aws", "services"), AURA: ("bolt", "console")}
"""The ports that each service listens on, as fields of `Ports`."""
AFTER_A_RESTART = {
    PROVIDERS: 'run eval "$(make -s env)" again in shells that use the stand-in',
    AWS: "it starts empty, and the stacks' states are deleted;"
    " the database's data and the stack's settings are kept",
    AURA: "it keeps its data and settings",
}
"""What a restart of each service means for a person."""

_TIMEOUT = 120.0


def records(home: Home) -> Path:
    """Return the folder with the record of each service's process."""
    return home.directory / "services"


def start_providers(home: Home, docker: DockerEngine) -> dict[str, str]:
    """Start the Pulumi providers unless they run, and return their addresses by package name.

    Args:
        home: the stand-in.
        docker: the engine that builds and pushes images.

    Raises:
        LocalCloudError: they don't start.
    """
    key = AccessKey.load(home.aws_credentials)
    return _start(
        home,
        PROVIDERS,
        [f"--project-directory={project_directory()}", f"--owner={home.owner}"],
        {
            "DOCKER_HOST": docker.host,
            # In the environment, because other users can read a command line.
            "AWS_ACCESS_KEY_ID": key.key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_SESSION_TOKEN": "",
        },
    )


def start_aws(
    home: Home,
    docker: DockerEngine,
    node: Path,
    *,
    port: int,
    service_ports: tuple[int, int],
    region: str,
) -> str:
    """Start the AWS endpoint unless it runs, and return its URL.

    Args:
        home: the stand-in.
        docker: the engine that runs App Runner's containers.
        node: the Node command that runs CloudFront's functions.
        port: the endpoint's port.
        service_ports: the first and last port for App Runner's services.
        region: the region.

    Raises:
        LocalCloudError: it doesn't start.
    """
    first, last = service_ports
    addresses = _start(
        home,
        AWS,
        [
            f"--port={port}",
            f"--service-ports={first}-{last}",
            f"--region={region}",
            f"--certificate-authority={home.authority}",
            f"--owner={home.owner}",
            f"--state-dir={home.aws}",
            f"--credentials={home.aws_credentials}",
            f"--node={node}",
        ],
        {"DOCKER_HOST": docker.host},
    )
    return addresses["endpoint"]


def start_aura(
    home: Home, docker: DockerEngine, java: Path, *, bolt_port: int, console_port: int
) -> dict[str, str]:
    """Start the emulated Aura unless it runs.

    Args:
        home: the stand-in.
        docker: the engine whose containers connect to the database.
        java: the Java command.
        bolt_port: the port of Bolt.
        console_port: the port of the console.

    Returns:
        `bolt`, its URI from this machine; `console`, the console's URL; `database`, the URI of the
        database without the gateway; `credentials`, the file with the credentials of the
        instance's administrator, who is the database's too.

    Raises:
        LocalCloudError: it doesn't start.
    """
    return _start(
        home,
        AURA,
        [
            f"--state-dir={home.aura}",
            f"--cache-dir={cache_directory()}",
            f"--ca-dir={home.authority}",
            f"--java={java}",
            f"--port={bolt_port}",
            f"--console-port={console_port}",
            *[f"--listen={address}" for address in aura_addresses(docker)],
        ],
        {},
    )


def aura_addresses(docker: DockerEngine) -> list[str]:
    """Return the addresses that Bolt listens on, for this machine and for its containers."""
    return list(dict.fromkeys(("127.0.0.1", docker.bridge_address)))


def stop(home: Home, names: Collection[str]) -> None:
    """Stop those of the named services that run."""
    with ThreadPoolExecutor() as pool:
        stopping = [pool.submit(processes.stop, name, records=records(home)) for name in names]
    for each in stopping:
        each.result()


def _start(
    home: Home, name: str, arguments: list[str], environment: dict[str, str]
) -> dict[str, str]:
    service = Service(
        name=name,
        command=[sys.executable, "-m", f"localcloud.{name}", *arguments],
        directory=project_directory(),
        environment=environment,
        timeout=_TIMEOUT,
    )
    return processes.start(service, records=records(home), logs=home.logs)
