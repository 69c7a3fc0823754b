"""Origins (RFC 6454), and the origin to which tokens may be sent."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from neo4j_mcp_client.credentials import require_tls
from neo4j_mcp_client.errors import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """The scheme, host and port of an address."""

    scheme: str
    host: str
    port: int | None

    @classmethod
    def of(cls, scheme: str, host: str, port: int | None) -> "Origin":
        """Create an origin from the parts of an address.

        Args:
            port: its port; defaults to the scheme's default.
        """
        name = scheme.lower()
        return cls(name, host.lower(), _DEFAULT_PORTS.get(name) if port is None else port)

    def __str__(self) -> str:
        """Return the origin as the start of a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = self.port == _DEFAULT_PORTS.get(self.scheme)
        return f"{self.scheme}://{host}" + ("" if default else f":{self.port}")


@lru_cache(maxsize=128)
def origin_of(url: str) -> Origin:
    """Return the origin of a URL, parsed as requests parses it.

    Raises:
        ValueError: it isn't a URL.
    """
    # Not with urlsplit alone, which finds another host in https://one.example\@another.example.
    prepared = requests.Request("GET", url).prepare().url
    parts = urlsplit(prepared or "")
    return Origin.of(parts.scheme, parts.hostname or "", parts.port)


class Destination:
    """The only origin to which tokens may be sent."""

    def __init__(self, url: str | None, default: Callable[[], str]) -> None:
        """Set the address.

        Args:
            default: returns the address in the credentials. It is called for each request, since
                the credentials may be read later and may change.

        Raises:
            ConfigurationError: tokens can't be sent to this address.
        """
        if url is not None:
            require_tls(url, "url")
        self._url = url
        self._default = default

    def matches(self, origin: Origin) -> bool:
        """Return whether tokens may be sent to an origin."""
        return origin == self._origin()

    def check(self, origin: Origin) -> None:
        """Raise if tokens must not be sent to an origin.

        Raises:
            ConfigurationError: the tokens are for another origin.
        """
        if not self.matches(origin):
            raise ConfigurationError(
                f"The tokens are for {self._origin()}, but this request goes to {origin}.",
                remedy="Pass the server's address to BearerAuth as `url`, and send requests to"
                " other addresses without it.",
            )

    def _origin(self) -> Origin:
        return origin_of(self._default() if self._url is None else self._url)
