"""Collects evidence about hosts, the service, the user pool and the token endpoint.

Each probe has a time limit, and decides nothing.
"""

import base64
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests

from neo4j_mcp_client import transport
from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.credentials import ClientCredentials
from neo4j_mcp_client.decoding import from_json
from neo4j_mcp_client.doctor.evidence import (
    Connection,
    Discovery,
    EdgeMetadata,
    Health,
    TokenResult,
)
from neo4j_mcp_client.errors import (
    ClientDisabledError,
    Hop,
    InvalidScopeError,
    Neo4jMcpError,
)
from neo4j_mcp_client.token_endpoint import request_token

Documents = TypeVar("Documents")

_TIMEOUT = 10.0
_SHOWN = 80


def connections(urls: Iterable[str], *, ca_bundle: str | None) -> tuple[Connection, ...]:
    """Connect to each host, through the proxy if there is one: name resolution, TCP and TLS.

    Args:
        ca_bundle: the certificate authorities to trust; defaults to the library's.

    Returns:
        What became of each host, once each.
    """
    roots = dict.fromkeys(f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, urls))
    return tuple(_connection(root, ca_bundle) for root in roots)


def health(service_url: str, *, ca_bundle: str | None) -> Health:
    """Request the service's health check."""
    url = f"{service_url}/healthz"
    started = time.monotonic()
    try:
        response = requests.get(url, timeout=_TIMEOUT, verify=ca_bundle or True)
    except Exception as error:  # noqa: BLE001 - requests doesn't wrap all of urllib3's
        failure = transport.network_error(error, hop=Hop.HOST, url=url)
        return Health(status=None, message=failure.message, service=None)
    milliseconds = (time.monotonic() - started) * 1000
    message = f"HTTP {response.status_code} in {milliseconds:.0f} ms"
    if not response.ok:
        message += f": {response.text[:_SHOWN].strip()}"
    return Health(
        status=response.status_code,
        message=message,
        aws_error=response.headers.get("x-amzn-errortype"),
        service=None,
    )


def discovery(discovery_url: str, jwks_url: str, *, ca_bundle: str | None) -> Discovery:
    """Read the user pool's public documents."""

    def read() -> Discovery:
        document = _fetch_json(discovery_url, ca_bundle)
        keys = _fetch_json(jwks_url, ca_bundle)
        return Discovery(
            issuer=str(document["issuer"]),
            key_ids=frozenset(str(key["kid"]) for key in keys["keys"]),
        )

    return _read_documents(
        read, lambda problem: Discovery(problem=problem), discovery_url, jwks_url
    )


def edge_metadata(edge_url: str, *, ca_bundle: str | None) -> EdgeMetadata:
    """Read the documents by which clients discover at the edge how to get a token."""
    address = urlsplit(edge_url)
    origin = f"{address.scheme}://{address.netloc}"
    # Sources: RFC 9728, section 3.1, and RFC 8414, section 3.1.
    resource_url = f"{origin}/.well-known/oauth-protected-resource{address.path}"
    server_url = f"{origin}/.well-known/oauth-authorization-server"

    def read() -> EdgeMetadata:
        resource = _fetch_json(resource_url, ca_bundle)
        server = _fetch_json(server_url, ca_bundle)
        return EdgeMetadata(
            resource=str(resource["resource"]),
            servers=tuple(map(str, resource["authorization_servers"])),
            issuer=str(server["issuer"]),
            token_url=str(server["token_endpoint"]),
        )

    return _read_documents(
        read, lambda problem: EdgeMetadata(problem=problem), resource_url, server_url
    )


def fetch_token(credentials: ClientCredentials, *, ca_bundle: str | None) -> TokenResult:
    """Request a token, bypassing every cache; if its scopes are refused, also without any."""
    try:
        token = request_token(credentials, ca_bundle=ca_bundle, timeout=_TIMEOUT, now=time.time())
    except InvalidScopeError as error:
        return TokenResult(
            error=error,
            any_scope_refused=_is_any_scope_refused(credentials, ca_bundle),
            now=time.time(),
        )
    except Neo4jMcpError as error:
        return TokenResult(error=error, now=time.time())
    return TokenResult(token=token, key_id=_key_id(token), now=time.time())


def _is_any_scope_refused(credentials: ClientCredentials, ca_bundle: str | None) -> bool:
    any_scope = replace(credentials, scopes=())
    try:
        request_token(any_scope, ca_bundle=ca_bundle, timeout=_TIMEOUT, now=time.time())
    except (InvalidScopeError, ClientDisabledError):
        return True
    except Neo4jMcpError:
        return False
    return False


def _connection(root: str, ca_bundle: str | None) -> Connection:
    try:
        requests.head(root, timeout=_TIMEOUT, verify=ca_bundle or True, allow_redirects=False)
    except Exception as error:  # noqa: BLE001 - requests doesn't wrap all of urllib3's
        causes = tuple(transport.causes_of(error))
        refused = (each for each in causes if isinstance(each, ssl.SSLCertVerificationError))
        return Connection(
            root=root,
            error=transport.network_error(error, hop=Hop.HOST, url=root),
            unresolved=any(isinstance(each, socket.gaierror) for each in causes),
            verify_code=next((each.verify_code for each in refused), None),
        )
    return Connection(root=root)


def _read_documents(
    read: Callable[[], Documents], unread: Callable[[str], Documents], *urls: str
) -> Documents:
    """Read documents; if that fails, describe why."""
    try:
        return read()
    except requests.HTTPError as error:
        return unread(f"{error.request.url} answers HTTP {error.response.status_code}.")
    except Neo4jMcpError as error:
        return unread(error.message)
    except (ValueError, KeyError, TypeError):
        return unread(f"{' or '.join(urls)} isn't the expected document.")


def _fetch_json(url: str, ca_bundle: str | None) -> Any:  # noqa: ANN401 - any JSON
    try:
        response = requests.get(url, timeout=_TIMEOUT, verify=ca_bundle or True)
    except Exception as error:  # noqa: BLE001 - requests doesn't wrap all of urllib3's
        failure = transport.network_error(error, hop=Hop.HOST, url=url)
    else:
        response.raise_for_status()
        return from_json(response.content)
    raise failure


def _key_id(token: AccessToken) -> str | None:
    try:
        header = token.value.split(".")[0]
        document = from_json(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
        return str(document["kid"])
    except (ValueError, KeyError, TypeError):
        return None
