"""Finds the person's Docker Engine, or runs the stand-in's own.

The person's engine (DOCKER_HOST, or the default socket) is used if it answers. Otherwise, on Linux
and as root, the stand-in runs `dockerd` from Debian's docker.io with its own socket and data
folder. All stand-ins of the machine share that daemon, and the last one stops it. It sets no
firewall rule and no forwarding: containers reach this machine over the bridge, and published ports
go through Docker's own proxy.
"""

import contextlib
import ipaddress
import os
import shutil
import socket
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import docker.errors
from requests.exceptions import ConnectionError as RequestsConnectionError
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from localcloud import commands, debian, processes
from localcloud.errors import LocalCloudError
from localcloud.files import tail, write_atomically
from localcloud.labels import OWNER_LABEL
from localcloud.locks import locked
from localcloud.paths import Home
from localcloud.ports import can_bind
from localcloud.progress import Progress

# Short, since a socket's path is limited to 107 characters (unix(7)), and one for the whole
# machine, since two daemons would fight over the bridge.
_RUNTIME = Path("/run/neo4j-mcp-localcloud")
_DATA = Path("/var/lib/neo4j-mcp-localcloud")
_USERS = _RUNTIME / "users"
_DEFAULT_HOST = "unix:///var/run/docker.sock"
_OWN_HOST = f"unix://{_RUNTIME}/docker.sock"
_BRIDGE = "docker0"
_MADE_BRIDGE = _RUNTIME / "made-bridge"
_LOG = _RUNTIME / "dockerd.log"
_START_TIMEOUT = 60
_PING_TIMEOUT = 5
_BRIDGE_TIMEOUT = 10
_LOCK_TIMEOUT = 900
_GATEWAY_FALLBACK = "127.0.0.1"
_PACKAGES = ("docker.io", "iproute2")
_PURPOSE = "Docker Engine, which builds and runs the server's image"

_UNREACHABLE = (docker.errors.DockerException, RequestsConnectionError, OSError)


@dataclass(frozen=True, kw_only=True)
class DockerEngine:
    """A Docker Engine that answers.

    Attributes:
        host: its address, for DOCKER_HOST.
        bridge_address: where containers reach this machine, if that is an address of this
            machine; otherwise loopback, which Docker Desktop forwards to.
    """

    host: str
    bridge_address: str


def ensure(progress: Progress, home: Home) -> DockerEngine:
    """Return the person's engine, or start the stand-in's own.

    Args:
        progress: reports slow steps.
        home: the stand-in that uses the engine until `release`.

    Raises:
        LocalCloudError: no engine answers, and none can be started here.
    """
    found = find()
    if found:
        return _describe(found)
    _RUNTIME.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock():
        _USERS.mkdir(exist_ok=True)
        write_atomically(_USERS / home.owner, str(home.directory))
        if not answers(_OWN_HOST):
            if shutil.which("dockerd") is None:
                debian.install_packages(progress, _PACKAGES, purpose=_PURPOSE)
            with progress.step("Starting a separate Docker Engine"):
                _start()
    return _describe(_OWN_HOST)


def find() -> str | None:
    """Return the address of the person's engine; nothing is started or installed.

    Returns:
        None if there is none, but the stand-in can run its own.

    Raises:
        LocalCloudError: there is none, and the stand-in can't run its own.
    """
    configured = os.environ.get("DOCKER_HOST")
    if configured and configured != _OWN_HOST:
        if not answers(configured):
            raise LocalCloudError(
                f"No Docker Engine answers at DOCKER_HOST={configured}."
                " Start it, or run: unset DOCKER_HOST"
            )
        return configured
    if answers(_DEFAULT_HOST):
        return _DEFAULT_HOST
    if os.uname().sysname != "Linux" or os.geteuid() != 0:
        raise LocalCloudError(
            "No Docker Engine answers. Start Docker (Docker Desktop, or on Linux"
            " `sudo systemctl start docker`) or set DOCKER_HOST, and run this again."
        )
    if shutil.which("dockerd") is None:
        debian.require_installable(_PACKAGES, purpose=_PURPOSE)
    return None


def release(home: Home) -> None:
    """Record that a stand-in no longer uses the engine; the last one stops the own daemon.

    A stand-in whose folder was deleted doesn't count.

    Raises:
        LocalCloudError: the daemon's bridge can't be removed.
    """
    if not _RUNTIME.exists():
        return
    with _lock():
        (_USERS / home.owner).unlink(missing_ok=True)
        users = [Path(user.read_text(encoding="utf-8")) for user in _USERS.iterdir()]
        if not any(user.exists() for user in users):
            _stop()


def sweep(host: str, home: Home, *, registries: Iterable[str]) -> None:
    """Remove a stand-in's containers and images, and all images of its registries.

    Args:
        host: the engine's address.
        home: the stand-in.
        registries: host and port of each of its registries.

    Raises:
        LocalCloudError: something can't be removed; the message lists it.
    """
    label = f"{OWNER_LABEL}={home.owner}"
    if not answers(host):
        if host == _OWN_HOST:
            # Its containers ended with it, and `release` deletes its data.
            return
        raise LocalCloudError(
            f"The Docker Engine at {host} doesn't answer: the containers and images labelled"
            f" {label} can't be removed. Start it and run `make down` again; if it no longer"
            f" exists, delete {home.directory} instead."
        )
    problems = []
    prefixes = tuple(f"{registry}/" for registry in registries)
    client = docker.DockerClient(base_url=host, timeout=_START_TIMEOUT)
    with contextlib.closing(client):
        for container in client.containers.list(
            all=True, ignore_removed=True, filters={"label": label}
        ):
            try:
                container.remove(force=True, v=True)
            except docker.errors.NotFound:
                continue
            except _UNREACHABLE as error:
                problems.append(f"container {container.name}: {error}")
        named = [name for name in image_names(client) if name.startswith(prefixes)]
        for image in [
            *named,
            *(each["Id"] for each in client.api.images(filters={"label": label})),
        ]:
            try:
                client.images.remove(image, force=True)
            except docker.errors.ImageNotFound:
                continue
            except _UNREACHABLE as error:
                problems.append(f"image {image}: {error}")
    if problems:
        raise LocalCloudError(
            f"The Docker Engine at {host} didn't remove everything. Run `make down` again, or"
            " remove these yourself:\n" + "\n".join(problems)
        )


def image_names(client: docker.DockerClient) -> list[str]:
    """List the tags and digests of all images of an engine."""
    # The SDK's own list inspects each image, and fails if one was removed meanwhile.
    images = client.api.images()
    return [
        name
        for image in images
        for name in [*(image.get("RepoTags") or []), *(image.get("RepoDigests") or [])]
    ]


def _lock() -> AbstractContextManager[None]:
    # Outside the folder, which is deleted with the daemon.
    return locked(
        _RUNTIME.with_suffix(".lock"),
        timeout=_LOCK_TIMEOUT,
        work="starting or stopping the machine's own Docker Engine",
    )


def answers(host: str) -> bool:
    """Report whether a Docker Engine answers within five seconds."""
    scheme, _, path = host.partition("://")
    # Docker's SDK doesn't close a socket that it couldn't connect.
    if scheme == "unix" and not _accepts_connections(path):
        return False
    try:
        client = docker.DockerClient(base_url=host, timeout=_PING_TIMEOUT)
    except _UNREACHABLE:
        return False
    with contextlib.closing(client):
        try:
            return bool(client.ping())
        except _UNREACHABLE:
            return False


def _accepts_connections(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PING_TIMEOUT)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _describe(host: str) -> DockerEngine:
    client = docker.DockerClient(base_url=host, timeout=_PING_TIMEOUT)
    with contextlib.closing(client):
        network = client.networks.get("bridge").attrs
    address = next(
        (each for each in bridge_addresses(network) if can_bind(each, 0)), _GATEWAY_FALLBACK
    )
    return DockerEngine(host=host, bridge_address=address)


def bridge_addresses(network: Mapping[str, Any]) -> list[str]:
    """List the addresses under which containers of a bridge network reach this machine.

    Args:
        network: the network, as the Docker Engine API describes it.

    Returns:
        An address for each of its subnets. A bridge that Docker has just created names no gateway
        yet; Docker will take the first address of the subnet.
    """
    return [
        each.get("Gateway") or str(next(ipaddress.ip_network(each["Subnet"]).hosts()))
        for each in network["IPAM"]["Config"]
    ]


def _start() -> None:
    if not _bridge_exists():
        _MADE_BRIDGE.touch()
    _DATA.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [
        "dockerd",
        f"--host={_OWN_HOST}",
        f"--pidfile={_RUNTIME / 'pid'}",
        f"--data-root={_DATA}",
        f"--exec-root={_RUNTIME / 'exec'}",
        "--iptables=false",
        "--ip6tables=false",
        "--ip-forward=false",
        "--ip-masq=false",
    ]
    daemon = processes.spawn(command, log=_LOG)
    processes.record("dockerd", daemon, records=_RUNTIME)
    wait_for_answer = Retrying(
        stop=stop_after_delay(_START_TIMEOUT),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda done: not done),
        retry_error_callback=lambda _: False,
    )
    wait_for_answer(lambda: daemon.process() is None or answers(_OWN_HOST))
    if not answers(_OWN_HOST):
        processes.stop("dockerd", records=_RUNTIME)
        raise LocalCloudError(f"dockerd doesn't answer. The end of {_LOG}:\n{tail(_LOG)}")


def _stop() -> None:
    processes.stop("dockerd", records=_RUNTIME)
    if _MADE_BRIDGE.exists() and _bridge_exists():
        commands.run(
            ["ip", "link", "delete", _BRIDGE],
            purpose=f"Removing the bridge {_BRIDGE}",
            timeout=_BRIDGE_TIMEOUT,
            remedy="Run `make down` again.",
        )
    shutil.rmtree(_DATA, ignore_errors=True)
    shutil.rmtree(_RUNTIME, ignore_errors=True)


def _bridge_exists() -> bool:
    return Path(f"/sys/class/net/{_BRIDGE}").exists()
