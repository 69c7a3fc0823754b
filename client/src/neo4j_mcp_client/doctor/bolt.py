"""Connects to the database directly, by Bolt with the token. Needs the extra `doctor`."""

import time
from urllib.parse import SplitResult, urlsplit

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.credentials import is_loopback
from neo4j_mcp_client.doctor.evidence import Logon
from neo4j_mcp_client.doctor.queries import CURRENT_USER, TRIVIAL_QUERY, roles_of
from neo4j_mcp_client.errors import ConfigurationError
from neo4j_mcp_client.trust import bundle_context

try:
    import neo4j
    from neo4j.exceptions import DriverError, Neo4jError
except ImportError as error:
    raise ConfigurationError(
        "Connecting to the database directly needs its driver.",
        remedy="Run: pip install 'neo4j-mcp-client[doctor]'",
    ) from error

_TIMEOUT = 10.0


def logon(neo4j_uri: str, token: AccessToken, *, ca_bundle: str | None) -> Logon:
    """Log in to the database by Bolt with the token.

    Raises:
        ConfigurationError: the address is invalid.
    """
    host, encrypted = host_of(neo4j_uri)
    started = time.monotonic()
    try:
        with neo4j.GraphDatabase.driver(
            # Without routing, which would hide the reason of a failed login.
            f"bolt://{host}",
            auth=neo4j.bearer_auth(token.value),
            connection_timeout=_TIMEOUT,
            connection_acquisition_timeout=2 * _TIMEOUT,
            max_transaction_retry_time=0,
            notifications_min_severity="OFF",
            encrypted=encrypted,
            ssl_context=bundle_context(ca_bundle) if encrypted else None,
        ) as driver:
            driver.execute_query(TRIVIAL_QUERY)
            seconds = time.monotonic() - started
            records = driver.execute_query(CURRENT_USER).records
    except Neo4jError as error:
        return Logon(code=error.code or "", message=f"{error.code}: {error.message}")
    except (DriverError, OSError) as error:
        return Logon(message=f"{host}: {error}")
    return Logon(roles=roles_of(dict(record) for record in records), seconds=seconds)


def host_of(neo4j_uri: str) -> tuple[str, bool]:
    """Parse a database's address into the host with its port, and whether to use TLS.

    Args:
        neo4j_uri: ``neo4j+s://`` or ``bolt+s://``; without TLS, a database of this machine.

    Raises:
        ConfigurationError: the address is invalid, or the token would be sent without TLS or
            without verifying the certificate.
    """
    address = urlsplit(neo4j_uri)
    if address.hostname and not address.username and _has_valid_port(address):
        if address.scheme in {"neo4j+s", "bolt+s"}:
            return address.netloc, True
        if address.scheme in {"neo4j", "bolt"} and is_loopback(address.hostname):
            return address.netloc, False
    raise ConfigurationError(
        "The database's address must start with neo4j+s:// or bolt+s://, to protect the token, and"
        " must not contain credentials.",
        remedy="Set it: --neo4j-uri neo4j+s://<host>",
    )


def _has_valid_port(address: SplitResult) -> bool:
    try:
        return address.port is None or address.port > 0
    except ValueError:
        return False
