"""Origins (RFC 6454), and the one that a token is for."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import requests

from neo4j_mcp_client.credentials import require_tls
from neo4j_mcp_client.errors import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """Scheme, host and port of an address; a token that is for one is for no other."""

    scheme: str
    host: str
    port: int | None

    @classmethod
    def of(cls, scheme: str, host: str, port: int | None) -> "Origin":
        """Make an origin of an address that an HTTP library has taken apart.

        Args:
            port: its port; defaults to the scheme's default.
        """
        name = scheme.lower()
        return cls(name, host.lower(), _DEFAULT_PORTS.get(name) if port is None else port)

    def __str__(self) -> str:
        """Write the origin as a URL begins."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = self.port == _DEFAULT_PORTS.get(self.scheme)
        return f"{self.scheme}://{host}" + ("" if default else f":{self.port}")


@lru_cache(maxsize=128)
def origin_of(url: str) -> Origin:
    """Take the origin out of a URL, as requests reads it.

    Raises:
        ValueError: it is no URL.
    """
    # Not by urlsplit alone, which finds another host in https://one.example\@another.example.
    prepared = requests.Request("GET", url).prepare().url
    parts = urlsplit(prepared or "")
    return Origin.of(parts.scheme, parts.hostname or "", parts.port)


class Destination:
    """The origin that a caller's tokens are for."""

    def __init__(self, url: str | None, default: Callable[[], str]) -> None:
        """Take the address.

        Args:
            default: returns the address in the credentials; called for each request, since they
                may be read late and read again.

        Raises:
            ConfigurationError: the address is no URL to which a token may be sent.
        """
        if url is not None:
            require_tls(url, "url")
        self._url = url
        self._default = default

    def is_at(self, origin: Origin) -> bool:
        """Return whether the tokens may be sent to an origin."""
        return origin == self._origin()

    def require(self, origin: Origin) -> None:
        """Refuse to send a token to any other origin.

        Raises:
            ConfigurationError: the tokens are for another one.
        """
        if not self.is_at(origin):
            raise ConfigurationError(
                f"The tokens are for {self._origin()}, and this request goes to {origin}.",
                remedy="Give BearerAuth the address that it is for, as `url`; send requests to"
                " other addresses without it.",
            )

    def _origin(self) -> Origin:
        return origin_of(self._default() if self._url is None else self._url)
