"""The stack under test: settings, outputs, AWS clients and access tokens."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import boto3
import httpx2
import jwt
import neo4j

from automation.blanking import Blanker
from automation.checks.verdicts import Skipped
from automation.sessions import fixed_region, timeouts
from components.names import ResourceNames
from components.settings import StackSettings
from neo4j_mcp_client import ClientCredentials

CLIENT_TIMEOUT: Final = httpx2.Timeout(125.0)
"""App Runner ends a request after 120 s; waiting longer lets its own response arrive first."""

# A call may take the server's 60 s, so a token that expires sooner than this is not used for one.
_MINIMUM_LIFETIME: Final = 90.0


@dataclass(kw_only=True)
class Context:
    """A deployed stack, as checks and drills use it. Thread-safe.

    Attributes:
        callers_url: the MCP address that the clients' secrets have; the output mcpUrl by default.
        state: returns the stack's state as the backend stores it, with encrypted secrets.
        database_uri: the database's address as seen from this machine.
        longest_wait: how many seconds a check may wait for a token to expire.
        interleavings: how many calls P5-isolation makes.
        blanker: removes the secrets that have been seen from texts.
        stopping: set when the run is interrupted; code that waits should wait for this event.
        tokens: the current token of each client that has one.
    """

    stack: str
    settings: StackSettings
    outputs: Mapping[str, Any]
    state: Callable[[], Mapping[str, Any]]
    session: boto3.Session
    database_uri: str
    callers_url: str = ""
    longest_wait: float = 0.0
    interleavings: int = 2000
    blanker: Blanker = field(default_factory=Blanker)
    stopping: threading.Event = field(default_factory=threading.Event, repr=False)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _clients: dict[tuple[str, str | None], Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Use the output mcpUrl by default."""
        self.callers_url = self.callers_url or self.outputs.get("mcpUrl", "")

    @cached_property
    def names(self) -> ResourceNames:
        """The names of the stack's resources."""
        return ResourceNames(prefix=self.settings.name_prefix, stack=self.stack)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """The trusted certificate authorities: those of SSL_CERT_FILE, or else the system's."""
        return ssl.create_default_context()

    @property
    def user_pool_id(self) -> str:
        """The user pool's id, which is the last part of the issuer."""
        issuer: str = self.outputs["issuer"]
        return issuer.rpartition("/")[2]

    @property
    def has_direct_address(self) -> bool:
        """Whether callers can reach the host itself, rather than only the edge."""
        return bool(self.outputs["mcpUrl"] != self.outputs.get("edgeUrl"))

    @property
    def all_clients(self) -> Mapping[str, Mapping[str, Any]]:
        """The output `clients`, with the disabled ones."""
        clients: Mapping[str, Mapping[str, Any]] = self.outputs["clients"]
        return clients

    @property
    def clients(self) -> Mapping[str, Mapping[str, Any]]:
        """The enabled clients, which are those that make calls.

        Raises:
            Skipped: every client is disabled.
        """
        # A stack of an earlier version has no disabled clients.
        enabled = {
            name: each for name, each in self.all_clients.items() if each.get("enabled", True)
        }
        if not enabled:
            raise Skipped("every client is disabled (clients.<name>.enabled)")
        return enabled

    @property
    def first_client(self) -> str:
        """The name of the first enabled client, where it doesn't matter which one makes a call.

        Raises:
            Skipped: every client is disabled.
        """
        return next(iter(self.clients))

    def roles(self, name: str) -> frozenset[str]:
        """Return the database's roles that an enabled client's scopes have."""
        role_of_scope = self.outputs["scopes"]
        return frozenset(role_of_scope[scope] for scope in self.clients[name]["scopes"])

    def client(self, service: str, *, region: str | None = None) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Return the AWS client of a service, which all checks share.

        Args:
            service: the service, as boto3 names it.
            region: the region; by default the service's only one, or the stack's.
        """
        # boto3 sessions are not thread-safe when they create clients.
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self.session.client(  # type: ignore[call-overload] # the name is no literal
                    service, region_name=region or fixed_region(service), config=timeouts(service)
                )
            return self._clients[service, region]

    def http_client(self, **options: Any) -> httpx2.Client:  # noqa: ANN401 - httpx2's own
        """Open an HTTP client with the trusted certificate authorities and a time limit.

        Args:
            **options: further options of httpx2.Client.

        Returns:
            The client; the caller closes it.
        """
        return httpx2.Client(verify=self.tls, timeout=CLIENT_TIMEOUT, **options)

    def credentials(self, name: str) -> ClientCredentials:
        """Read a client's credentials from its secret, as the client itself does.

        Raises:
            botocore.exceptions.ClientError: the secret can't be read.
            KeyError: the secret is incomplete.
        """
        response = self.client("secretsmanager").get_secret_value(
            SecretId=self.all_clients[name]["secretArn"]
        )
        secret = json.loads(response["SecretString"])
        self.blanker.learn(secret["clientSecret"], username=secret["clientId"])
        return ClientCredentials(
            client_id=secret["clientId"],
            client_secret=secret["clientSecret"],
            token_url=self.outputs["tokenUrl"],
            scopes=tuple(secret["scopes"]),
            mcp_url=self.outputs["mcpUrl"],
        )

    def token(self, name: str, *, fresh: bool = False) -> str:
        """Return a client's access token, which is valid long enough for a call.

        Args:
            name: the client's name.
            fresh: whether to request a new token even if the last one can still be used.

        Raises:
            httpx2.HTTPError: the token endpoint refuses or doesn't respond.
        """
        with self._lock:
            token = self.tokens.get(name)
            if (
                fresh
                or token is None
                or read_claims(token)["exp"] < time.time() + _MINIMUM_LIFETIME
            ):
                with self.http_client() as http:
                    response = request_token(http, self.credentials(name))
                response.raise_for_status()
                token = str(response.json()["access_token"])
                self.blanker.learn(token)
                self.tokens[name] = token
            return token

    def driver(self, token: str) -> neo4j.Driver:
        """Connect to the database directly instead of through the server.

        Args:
            token: the access token to log on with.

        Returns:
            The driver; the caller closes it.
        """
        return neo4j.GraphDatabase.driver(
            self.database_uri,
            auth=neo4j.bearer_auth(token),
            # Generous, so that a slow machine doesn't look like a database that is down.
            connection_timeout=60.0,
            connection_acquisition_timeout=120.0,
            max_transaction_retry_time=10.0,
        )


def request_token(
    http: httpx2.Client,
    credentials: ClientCredentials,
    *,
    scopes: tuple[str, ...] | None = None,
    resource: str | None = None,
) -> httpx2.Response:
    """Request an access token with the client credentials grant (RFC 6749, section 4.4).

    Args:
        http: the HTTP client.
        credentials: the client's credentials.
        scopes: the scopes to request; None for those of the credentials. Without any, Cognito
            grants the client's own.
        resource: the protected resource that the token is for (RFC 8707).

    Returns:
        The response, whatever its status.

    Raises:
        httpx2.HTTPError: the token endpoint doesn't respond.
    """
    requested = credentials.scopes if scopes is None else scopes
    form = {"grant_type": "client_credentials"}
    if requested:
        form["scope"] = " ".join(requested)
    if resource is not None:
        form["resource"] = resource
    return http.post(
        credentials.token_url,
        data=form,
        auth=(credentials.client_id, credentials.client_secret),
    )


def read_claims(token: str) -> dict[str, Any]:
    """Return a token's claims without verifying it, which is for the database to do."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims
