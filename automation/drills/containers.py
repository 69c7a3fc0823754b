"""The service's containers, where a Docker Engine on this machine runs them.

On AWS nobody but App Runner reaches them, so the Docker SDK is no requirement of this package.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import docker
import docker.errors
from docker.models.containers import Container
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from automation.checks.verdicts import Skipped

_ENGINE_TIMEOUT: Final = 30
_POLL: Final = 1.0
_ALREADY_STOPPED: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})
"""What the Docker Engine answers where the container to kill is gone, or no longer runs."""


@contextmanager
def docker_engine() -> Iterator[docker.DockerClient]:
    """Connect to the Docker Engine.

    Raises:
        Skipped: none answers.
    """
    try:
        engine = docker.from_env(timeout=_ENGINE_TIMEOUT)
    except docker.errors.DockerException as error:
        raise Skipped(f"no Docker Engine answers that could run the service: {error}") from error
    try:
        yield engine
    finally:
        engine.close()


def running(engine: docker.DockerClient, image: str) -> list[Container]:
    """List the running containers of an image."""
    # The image's name holds its registry and its digest, so it is this deployment's alone.
    containers = engine.containers.list(ignore_removed=True)
    return [each for each in containers if each.attrs["Config"]["Image"] == image]


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


def wait_for_running(
    engine: docker.DockerClient, image: str, count: int, limit: float
) -> list[Container]:
    """Wait until as many containers run again: calls succeed as soon as one does.

    Args:
        limit: the longest wait, in seconds.

    Returns:
        The running containers, fewer than `count` where the limit was reached.
    """
    wait = Retrying(
        retry=retry_if_result(lambda found: len(found) < count),
        stop=stop_after_delay(limit),
        wait=wait_fixed(_POLL),
        retry_error_callback=lambda _: running(engine, image),
    )
    return wait(running, engine, image)
