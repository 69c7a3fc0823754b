"""The addresses in front of and behind the edge. Pure."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from components.settings import EdgeDomain

_HTTPS: Final = 443
EDGE_OUTPUTS: Final = ("edgeUrl", "edgeDomainTarget")
"""The outputs that only stacks with an edge have."""


@dataclass(frozen=True, kw_only=True)
class OriginAddress:
    """Where CloudFront connects to.

    Attributes:
        host: the host name, without a port.
        port: the HTTPS port.
    """

    host: str
    port: int


def origin_address(service_url: str) -> OriginAddress:
    """Return the address of a host, from the base URL of its service.

    Raises:
        ValueError: it isn't an HTTPS URL with nothing after the port.
    """
    parts = urlsplit(service_url)
    if parts.scheme != "https" or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError(f"{service_url} can't be the origin of a CloudFront distribution")
    return OriginAddress(host=parts.hostname, port=parts.port or _HTTPS)


def edge_base_url(distribution: str, domain: EdgeDomain | None) -> str:
    """Return the base URL of the edge.

    Args:
        distribution: the distribution's own name.
        domain: the custom domain, if there is one.
    """
    return f"https://{domain.name if domain else distribution}"
