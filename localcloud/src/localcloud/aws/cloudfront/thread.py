"""The ports of distributions on their own thread and event loop."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from localcloud.aws.cloudfront.edge import (
    DistributionPort,
    EdgeTools,
    Log,
    Surroundings,
    origin_session,
)
from localcloud.aws.cloudfront.function_runtime import FunctionRuntime
from localcloud.aws.service_ports import first_open
from localcloud.aws.service_thread import ServiceThread
from localcloud.certificates import CertificateAuthority

_WORKERS = 4
_STOP_TIMEOUT = 5.0
_NAMES = ("localhost", "127.0.0.1", "host.docker.internal")


@dataclass(frozen=True, kw_only=True)
class EdgeSettings:
    """What distributions' ports need.

    Attributes:
        node: the command that runs functions.
        host: the address that they listen on.
        ports: the ports, one for each distribution; App Runner takes from the other end.
        authority: signs their certificates, and those of the origins.
        log: called with a distribution's id and an entry of its access log.
    """

    node: str
    host: str
    ports: Sequence[int]
    authority: CertificateAuthority = field(repr=False)
    log: Log = lambda _distribution, _entry: None


class EdgeThread:
    """Runs distributions' ports; `start` starts it."""

    def __init__(self, settings: EdgeSettings, surroundings: Surroundings) -> None:
        """Prepare the thread without starting it."""
        self._settings = settings
        self._surroundings = surroundings
        self._ports: dict[str, DistributionPort] = {}
        self._thread = ServiceThread(
            "distributions", self._tools(), workers=_WORKERS, stop_timeout=_STOP_TIMEOUT
        )

    def start(self) -> None:
        """Start the thread, and wait until it accepts calls."""
        self._thread.start()

    async def open(self, distribution: str) -> int:
        """Open a distribution's port, and return its number.

        Raises:
            NoPortError: all ports are in use.
        """
        return await self._thread.run(lambda tools: self._open(distribution, tools))

    async def close(self, distribution: str) -> None:
        """Close a distribution's port."""
        await self._thread.run(lambda _: self._close(distribution))

    def stop(self) -> None:
        """Close all ports and end the thread."""
        self._thread.stop()

    async def _open(self, distribution: str, tools: EdgeTools) -> int:
        opened = DistributionPort(distribution, tools)
        context = self._certificate(distribution)
        port = await first_open(
            self._settings.ports, lambda port: opened.open(self._settings.host, port, context)
        )
        self._ports[distribution] = opened
        return port

    def _certificate(self, distribution: str) -> ssl.SSLContext:
        """Return a context with a certificate for the own name, and one for each alias."""
        aliases: dict[str, ssl.SSLContext] = {}

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            routing = self._surroundings.routing(distribution)
            if name is None or routing is None or name.lower() not in routing.aliases:
                return
            if name not in aliases:
                aliases[name] = self._settings.authority.server_context([name])
            connection.context = aliases[name]

        context = self._settings.authority.server_context(_NAMES)
        context.sni_callback = choose
        return context

    async def _close(self, distribution: str) -> None:
        if (port := self._ports.pop(distribution, None)) is not None:
            await port.close()

    @contextlib.asynccontextmanager
    async def _tools(self) -> AsyncIterator[EdgeTools]:
        runtime = FunctionRuntime(self._settings.node)
        async with origin_session() as session:
            try:
                yield EdgeTools(
                    surroundings=self._surroundings,
                    runtime=runtime,
                    session=session,
                    origin_context=_origin_context(self._settings.authority),
                    log=self._settings.log,
                )
            finally:
                for distribution in list(self._ports):
                    await self._close(distribution)
                await runtime.close()


def _origin_context(authority: CertificateAuthority) -> ssl.SSLContext:
    """Return a TLS context that trusts public authorities and the stand-in's."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=authority.certificate_path)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
