"""The server's address, reached by callers through toxiproxy, so that the network to it can fail.

TLS stays between the caller and the server, because toxiproxy forwards bytes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import ConnectionPool

from automation.chaos.toxiproxy import FaultProxy, Toxiproxy, fault_proxy
from automation.loopback import ADDRESS, free_port
from neo4j_mcp_client import Neo4jMcp, TokenProvider

_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, kw_only=True)
class Detour:
    """A way to the server on which the network can fail.

    Attributes:
        proxy: makes the faults.
        port: where it listens, on the loopback interface.
    """

    proxy: FaultProxy
    port: int


@contextmanager
def detour_to(url: str) -> Iterator[Detour]:
    """Listen on this machine during the block, and forward connections to the server of a URL.

    Raises:
        AutomationError: toxiproxy can't be built, or doesn't start.
    """
    parts = urlsplit(url)
    server = f"{parts.hostname}:{parts.port or _PORTS[parts.scheme]}"
    port = free_port()
    with fault_proxy(Toxiproxy.install(), [f"{ADDRESS}:{port}"], server) as proxy:
        yield Detour(proxy=proxy, port=port)


class DetouredMcp(Neo4jMcp):
    """The client library's client, except that it connects to a port of this machine."""

    def __init__(self, url: str, tokens: TokenProvider, port: int) -> None:
        """Create a client.

        Args:
            url: the server's URL, whose name the certificate must have.
            port: where connections to the server are forwarded.
        """
        self._port = port
        super().__init__(url, tokens)

    def _connect(self) -> None:
        super()._connect()
        adapter = DetourAdapter(self._port, pool_maxsize=self._connections, pool_block=True)
        self._session.mount(self._url, adapter)


class DetourAdapter(HTTPAdapter):
    """Connects to a port of this machine, and verifies the name in the URL."""

    def __init__(self, port: int, **options: Any) -> None:  # noqa: ANN401 - HTTPAdapter's own
        """Create an adapter.

        Args:
            port: where to connect to.
            **options: those of HTTPAdapter.
        """
        self._port = port
        super().__init__(**options)

    def add_headers(self, request: requests.PreparedRequest, **_: Any) -> None:  # noqa: ANN401 - as in HTTPAdapter
        """Send the host in the URL, which would else be the address that is connected to."""
        request.headers["Host"] = urlsplit(request.url or "").netloc

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        *args: Any,  # noqa: ANN401 - as in HTTPAdapter
        **options: Any,  # noqa: ANN401 - as in HTTPAdapter
    ) -> Any:  # noqa: ANN401 - as in HTTPAdapter
        """Replace the address, and keep the name for TLS."""
        host, pool = super().build_connection_pool_key_attributes(request, *args, **options)
        return (
            {**host, "host": ADDRESS, "port": self._port},
            {**pool, "server_hostname": host["host"]},
        )

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: bool | str | None,  # noqa: FBT001 - as in HTTPAdapter
        proxies: Mapping[str, str] | None = None,
        cert: Any = None,  # noqa: ANN401 - as in HTTPAdapter
    ) -> ConnectionPool:
        """Connect without the proxies of the environment."""
        del proxies
        return super().get_connection_with_tls_context(request, verify, cert=cert)
