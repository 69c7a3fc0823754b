"""Runs the emulated Aura in the foreground: `python -m localcloud.aura`."""

import asyncio
import logging
import shutil
import signal
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from localcloud.aura.distribution import DistributionError, ensure_jars
from localcloud.aura.neo4j_process import DatabaseError, Installation
from localcloud.aura.service import Endpoints, serving
from localcloud.aura.sso import SsoSettingsError
from localcloud.certificates import CertificateAuthority
from localcloud.readiness import announce

_NAMES: Final = ("localhost", "127.0.0.1", "host.docker.internal")

_log = logging.getLogger("localcloud.aura")


def main(  # noqa: PLR0913 - one argument per flag
    *,
    state_dir: Annotated[Path, typer.Option(help="Folder of data, configuration and logs.")],
    cache_dir: Annotated[Path, typer.Option(help="Folder of Neo4j's jars.")],
    ca_dir: Annotated[Path, typer.Option(help="Folder of the stand-in's certificate authority.")],
    port: Annotated[int, typer.Option(help="Port of the gateway; 0 for any.")] = 7687,
    listen: Annotated[
        list[str] | None,
        typer.Option(help="Address for the gateway to listen on; may be repeated."),
    ] = None,
    console_port: Annotated[int, typer.Option(help="Port of the console; 0 for any.")] = 7688,
    neo4j_port: Annotated[int, typer.Option(help="Port of the database itself; 0 for any.")] = 0,
    java: Annotated[
        Path | None, typer.Option(help="Java 17 or 21; by default the one on PATH.")
    ] = None,
    maven: Annotated[Path | None, typer.Option(help="Maven; by default the one on PATH.")] = None,
    ready_fd: Annotated[
        int | None,
        typer.Option(help="File descriptor to write the addresses to once the service is ready."),
    ] = None,
    log_level: Annotated[str, typer.Option(help="DEBUG shows Neo4j's own log.")] = "INFO",
) -> None:
    """Serve an emulated Aura until SIGTERM or SIGINT.

    The exit status is 1 if it doesn't start or the database dies; standard error has the reason.
    """
    logging.basicConfig(
        level=log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s aura %(levelname)s %(message)s",
    )
    java = java or _on_path("java")
    if java is None:
        _log.error("Java is missing: install Java 17 or 21, or name it with --java")
        raise typer.Exit(1)
    try:
        distribution = ensure_jars(
            cache_dir, java=java, maven=lambda: maven or _on_path("mvn"), progress=_log.info
        )
        installation = Installation(
            distribution=distribution, java=java, state=state_dir.resolve(), bolt_port=neo4j_port
        )
        endpoints = Endpoints(
            listen=listen or ["127.0.0.1"],
            port=port,
            console_port=console_port,
            tls=CertificateAuthority.load_or_create(ca_dir).server_context(
                [*_NAMES, *(each for each in listen or () if each not in _NAMES)]
            ),
        )
        uvloop.run(_serve(installation, endpoints, ready_fd))
    except (DistributionError, DatabaseError, SsoSettingsError, OSError) as error:
        _log.error("%s", error)
        raise typer.Exit(1) from None


async def _serve(installation: Installation, endpoints: Endpoints, ready_fd: int | None) -> None:
    loop = asyncio.get_running_loop()
    service = asyncio.create_task(_until_database_dies(installation, endpoints, ready_fd))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.cancel)
    try:
        await service
    except asyncio.CancelledError:
        _log.info("stopped")


async def _until_database_dies(
    installation: Installation, endpoints: Endpoints, ready_fd: int | None
) -> None:
    _log.info("Neo4j: starting (about 10 seconds)")
    async with serving(installation, endpoints) as service:
        bolt, console = service.bolt_port, service.console_port
        announce(
            ready_fd,
            {
                "bolt": f"neo4j+s://localhost:{bolt}",
                "console": f"http://127.0.0.1:{console}",
                "credentials": str(service.credentials_path),
                "database": f"bolt://127.0.0.1:{service.database_port}",
            },
        )
        _log.info("serving neo4j+s://localhost:%d, console on port %d", bolt, console)
        await service.database_died


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return None if found is None else Path(found)


if __name__ == "__main__":
    typer.run(main)
