"""The processes of a stand-in cloud, and how each is started."""

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
"""The ports that each listens on, by their names in `Ports`."""
AFTER_A_RESTART = {
    PROVIDERS: 'a shell that uses the stand-in needs eval "$(make -s env)" again',
    AWS: "it starts empty, and the state of what was deployed there is dropped;"
    " the database's data and the stack's settings stay",
    AURA: "it starts with its data and its settings",
}
"""What a person has to know of each."""

_TIMEOUT = 120.0


def records(home: Home) -> Path:
    """Name the folder that keeps which process each service is.

    Args:
        home: the stand-in.

    Returns:
        The folder.
    """
    return home.directory / "services"


def start_providers(home: Home, docker: DockerEngine) -> dict[str, str]:
    """Start the Pulumi providers, or find them running.

    Args:
        home: the stand-in.
        docker: the engine that builds and pushes images.

    Returns:
        The address of each provider, by its package's name.

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
    home: Home, docker: DockerEngine, *, port: int, service_ports: tuple[int, int], region: str
) -> str:
    """Start the AWS endpoint, or find it running.

    Args:
        home: the stand-in.
        docker: the engine that runs App Runner's containers.
        port: the endpoint's port.
        service_ports: the first and last port for App Runner's services.
        region: the region.

    Returns:
        The endpoint's URL.

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
        ],
        {"DOCKER_HOST": docker.host},
    )
    return addresses["endpoint"]


def start_aura(
    home: Home, docker: DockerEngine, java: Path, *, bolt_port: int, console_port: int
) -> dict[str, str]:
    """Start the emulated Aura, or find it running.

    Args:
        home: the stand-in.
        docker: the engine whose containers connect to the database.
        java: the Java command.
        bolt_port: the port of Bolt.
        console_port: the port of the console.

    Returns:
        `bolt`, its URI from this machine; `console`, the console's URL; `credentials`, the file
        with the instance's own administrator's credentials.

    Raises:
        LocalCloudError: it doesn't start.
    """
    listen = dict.fromkeys(("127.0.0.1", docker.bridge_address))
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
            *[f"--listen={address}" for address in listen],
        ],
        {},
    )


def stop(home: Home, names: Collection[str]) -> None:
    """End services, those that run.

    Args:
        home: the stand-in.
        names: the services' names.
    """
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
