"""The containers of an image, where a Docker Engine on this machine runs them.

On AWS nobody but the host reaches them, so the Docker SDK is no requirement of this package.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from typing import Final

import docker
import docker.errors
from docker.models.containers import Container

from automation.hosting.instances import Instance, Instances, UnreachableError

_ENGINE_TIMEOUT: Final = 30
_ALREADY_STOPPED: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})
"""What the Docker Engine answers where the container to kill is gone, or no longer runs."""


@contextmanager
def containers(image: str) -> Iterator[Instances]:
    """Connect to the Docker Engine, and find the containers of an image.

    Args:
        image: its name, with registry and digest, so that it is one deployment's alone.

    Raises:
        UnreachableError: no Docker Engine answers.
    """
    try:
        engine = docker.from_env(timeout=_ENGINE_TIMEOUT)
    except docker.errors.DockerException as error:
        raise UnreachableError(
            f"no Docker Engine answers that could run the service: {error}"
        ) from error
    try:
        yield Instances(running=partial(_running, engine, image), are_kept=True)
    finally:
        engine.close()


def kill(container: Container) -> None:
    """Kill a container, unless it has stopped: one of an earlier deployment may just have ended.

    Raises:
        docker.errors.APIError: the Docker Engine can't.
    """
    try:
        container.kill()
    except docker.errors.APIError as error:
        if error.status_code not in _ALREADY_STOPPED:
            raise


def _running(engine: docker.DockerClient, image: str) -> list[Instance]:
    return [
        Instance(
            id=str(each.id),
            name=str(each.name),
            kill=partial(kill, each),
            address=_address(each.ports),
        )
        for each in engine.containers.list(ignore_removed=True)
        if each.attrs["Config"]["Image"] == image
    ]


def _address(ports: Mapping[str, Sequence[Mapping[str, str]] | None]) -> str:
    published = (each for bindings in ports.values() for each in bindings or ())
    first = next(published, None)
    return f"http://{first['HostIp']}:{first['HostPort']}" if first else ""
