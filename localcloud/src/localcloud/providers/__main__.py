"""Serves the stand-in's Pulumi providers: `python -m localcloud.providers`."""

import logging
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final

import grpc
import typer
from pulumi.runtime.proto import provider_pb2_grpc

from localcloud.providers import docker_image, random_string
from localcloud.providers.aws import provider as aws
from localcloud.providers.same_user import SameUserOnly
from localcloud.providers.servicer import Servicer
from localcloud.readiness import announce

# The engine processes up to four resources per core at a time, and an operation may wait for
# minutes.
_THREADS: Final = 64
_GRACE_SECONDS: Final = 5.0
# The engine's own limit: an archive may be large.
_MESSAGE_BYTES: Final = 400 * 1024 * 1024


def main(
    *,
    aws_port: Annotated[int, typer.Option(help="Port of the aws provider; 0 for any.")] = 0,
    docker_port: Annotated[int, typer.Option(help="Port of the docker provider; 0 for any.")] = 0,
    random_port: Annotated[int, typer.Option(help="Port of the random provider; 0 for any.")] = 0,
    project_directory: Annotated[
        Path, typer.Option(help="Base of the relative paths in programs.")
    ] = Path(),
    owner: Annotated[
        str | None, typer.Option(help="Instance of the stand-in, put on images as a label.")
    ] = None,
    ready_fd: Annotated[
        int | None,
        typer.Option(help="File descriptor to write the addresses to once they are served."),
    ] = None,
) -> None:
    """Serve the aws, docker and random providers until SIGTERM."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s"
    )
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    directory = project_directory.resolve()
    servicers: dict[str, tuple[Servicer[Any], int]] = {
        "aws": (Servicer(aws.provider(directory)), aws_port),
        "docker": (Servicer(docker_image.provider(directory, owner)), docker_port),
        "random": (Servicer(random_string.provider()), random_port),
    }
    servers: list[grpc.Server] = []
    addresses: dict[str, str] = {}
    try:
        for name, (servicer, port) in servicers.items():
            callers = SameUserOnly()
            server = _server(servicer, callers)
            callers.port = _bind(server, name, port)
            addresses[name] = f"127.0.0.1:{callers.port}"
            servers.append(server)
        for server in servers:
            server.start()
        announce(ready_fd, addresses)
        stopped.wait()
    finally:
        for servicer, _ in servicers.values():
            servicer.stop()
        for ending in [server.stop(_GRACE_SECONDS) for server in servers]:
            ending.wait()


def _server(servicer: Servicer[Any], callers: SameUserOnly) -> grpc.Server:
    server = grpc.server(
        ThreadPoolExecutor(max_workers=_THREADS),
        interceptors=[callers],
        options=[
            # A port in use is an error, not shared.
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", _MESSAGE_BYTES),
            ("grpc.max_send_message_length", _MESSAGE_BYTES),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    return server


def _bind(server: grpc.Server, name: str, port: int) -> int:
    try:
        return server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError:
        typer.echo(
            f"port {port} for the {name} provider is in use: name another with --{name}-port",
            err=True,
        )
        raise typer.Exit(1) from None


if __name__ == "__main__":
    typer.run(main)
