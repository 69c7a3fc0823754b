"""The deployment that is checked: its settings, outputs, clients and tokens."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import boto3
import botocore.config
import httpx2
import jwt
import neo4j

from automation.blanking import Blanker
from components.names import ResourceNames
from components.settings import StackSettings

CLIENT_TIMEOUT: Final = httpx2.Timeout(125.0)
"""App Runner ends a request after 120 s; a little more, so that its own answer comes first."""

# A token with less left is not used for a call, which may take the server's 60 s.
_LEAST_LIFETIME: Final = 90.0
_AWS_TIMEOUTS: Final = botocore.config.Config(
    connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 4}
)


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a caller reads from its secret.

    Attributes:
        client_id: the app client's id.
        client_secret: the app client's secret.
        token_url: where tokens are taken.
        scopes: the scopes to ask for, by full name.
        mcp_url: the server's URL.
    """

    client_id: str
    client_secret: str = field(repr=False)
    token_url: str
    scopes: tuple[str, ...]
    mcp_url: str


@dataclass(kw_only=True)
class Context:
    """A deployed stack, as its checks see it. Safe to use from several threads.

    Attributes:
        stack: the stack's name.
        settings: its configuration.
        outputs: its outputs.
        state: gives its state, secrets encrypted, as the backend keeps it.
        session: makes the AWS clients.
        database_uri: where this machine reaches the database.
        longest_wait: seconds that a check may wait for a token to expire.
        interleavings: how many calls of two clients are interleaved.
        blanker: knows the secrets that were seen.
        stopping: set when the run is interrupted; whoever waits, waits for this.
    """

    stack: str
    settings: StackSettings
    outputs: Mapping[str, Any]
    state: Callable[[], Mapping[str, Any]]
    session: boto3.Session
    database_uri: str
    longest_wait: float = 0.0
    interleavings: int = 2000
    blanker: Blanker = field(default_factory=Blanker)
    stopping: threading.Event = field(default_factory=threading.Event, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)
    _tokens: dict[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def names(self) -> ResourceNames:
        """The names of the stack's resources."""
        return ResourceNames(prefix=self.settings.name_prefix, stack=self.stack)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """The trusted certificate authorities: the system's, or SSL_CERT_FILE's."""
        return ssl.create_default_context()

    @property
    def user_pool_id(self) -> str:
        """The user pool's id, the last part of the issuer."""
        issuer: str = self.outputs["issuer"]
        return issuer.rpartition("/")[2]

    @property
    def clients(self) -> Mapping[str, Mapping[str, Any]]:
        """The output `clients`."""
        clients: Mapping[str, Mapping[str, Any]] = self.outputs["clients"]
        return clients

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """Give an AWS client.

        Args:
            service: the service, as boto3 names it.

        Returns:
            The client; one for all checks.
        """
        # A session may not make clients in two threads at once.
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self.session.client(  # type: ignore[call-overload] # the name is no literal
                    service, config=_AWS_TIMEOUTS
                )
            return self._clients[service]

    def http_client(self, **options: Any) -> httpx2.Client:  # noqa: ANN401 - httpx2's own
        """Make an HTTP client that trusts what the stack trusts.

        Args:
            **options: httpx2.Client's own.

        Returns:
            The client; the caller closes it.
        """
        return httpx2.Client(verify=self.tls, timeout=CLIENT_TIMEOUT, **options)

    def credentials(self, name: str) -> Credentials:
        """Read a client's secret, as the client itself does.

        Args:
            name: the client's name.

        Returns:
            Its credentials.

        Raises:
            botocore.exceptions.ClientError: there is no such secret.
            KeyError: the secret lacks something.
        """
        answer = self.client("secretsmanager").get_secret_value(
            SecretId=self.clients[name]["secretArn"]
        )
        secret = json.loads(answer["SecretString"])
        self.blanker.learn(secret["clientSecret"], username=secret["clientId"])
        return Credentials(
            client_id=secret["clientId"],
            client_secret=secret["clientSecret"],
            token_url=self.outputs["tokenUrl"],
            scopes=tuple(secret["scopes"]),
            mcp_url=self.outputs["mcpUrl"],
        )

    def token(self, name: str, *, fresh: bool = False) -> str:
        """Give a client's token, with time enough left for a call.

        Args:
            name: the client's name.
            fresh: whether a new one is wanted even where one is at hand.

        Returns:
            The token; the same for all checks until it grows old.

        Raises:
            httpx2.HTTPError: the token endpoint refuses or doesn't answer.
        """
        with self._lock:
            token = self._tokens.get(name)
            if fresh or token is None or _expires_at(token) < time.time() + _LEAST_LIFETIME:
                with self.http_client() as http:
                    response = request_token(http, self.credentials(name))
                response.raise_for_status()
                token = str(response.json()["access_token"])
                self.blanker.learn(token)
                self._tokens[name] = token
            return token

    def driver(self, token: str) -> neo4j.Driver:
        """Connect to the database, past the server.

        Args:
            token: the access token to log on with.

        Returns:
            The driver; the caller closes it.
        """
        return neo4j.GraphDatabase.driver(
            self.database_uri,
            auth=neo4j.bearer_auth(token),
            connection_timeout=10.0,
            connection_acquisition_timeout=30.0,
            max_transaction_retry_time=10.0,
        )


def request_token(
    http: httpx2.Client, credentials: Credentials, *, scopes: tuple[str, ...] | None = None
) -> httpx2.Response:
    """Ask for an access token by client credentials (RFC 6749, section 4.4).

    Args:
        http: the HTTP client.
        credentials: the caller's.
        scopes: the scopes to ask for; the caller's own where None.

    Returns:
        The answer, whatever its status.

    Raises:
        httpx2.HTTPError: the token endpoint doesn't answer.
    """
    wanted = credentials.scopes if scopes is None else scopes
    return http.post(
        credentials.token_url,
        data={"grant_type": "client_credentials", "scope": " ".join(wanted)},
        auth=(credentials.client_id, credentials.client_secret),
    )


def _expires_at(token: str) -> float:
    # Who verifies a token is the database; here only its age counts.
    claims = jwt.decode(token, options={"verify_signature": False})
    return float(claims["exp"])
