"""Checks hop by hop, up to the first fault."""

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from neo4j_mcp_client.credentials import ClientCredentials, CredentialsSource
from neo4j_mcp_client.doctor import judging, probes, server
from neo4j_mcp_client.doctor.evidence import Discovery, Logon, ServerAnswers, Service, StackOutputs
from neo4j_mcp_client.doctor.faults import Fault
from neo4j_mcp_client.doctor.judging import Failed, Passed, Skipped, Verdict
from neo4j_mcp_client.errors import ConfigurationError, Neo4jMcpError
from neo4j_mcp_client.trust import find_ca_bundle

if TYPE_CHECKING:
    from neo4j_mcp_client.access_token import AccessToken

_NO_OUTPUTS = (
    "The profile has no outputs of the stack. Log in with them: pulumi stack output --json |"
    " neo4j-mcp login --outputs - --client <name>"
)
_NO_URI = "The database's address isn't known. Set it: --neo4j-uri neo4j+s://<host>"


class Hop(enum.StrEnum):
    """A hop between caller and database, in the order of the checks."""

    CONFIGURATION = "configuration"
    CONNECTION = "DNS and TLS"
    HEALTH = "health"
    DISCOVERY = "discovery and keys"
    TOKEN = "token"  # noqa: S105 - the name of a hop
    CLAIMS = "claims"
    DATABASE = "database"
    SERVER = "server"
    ROLES = "roles"


class Status(enum.StrEnum):
    """The result of checking a hop."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What the doctor found at a hop.

    Attributes:
        hop: the hop.
        status: the result.
        seen: details of the result.
        fault: what is wrong, or None.
    """

    hop: Hop
    status: Status
    seen: str = ""
    fault: Fault | None = None


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """What to check, and with which credentials.

    Attributes:
        source: creates the source of the credentials.
        outputs: the stack's outputs, or None if they are unknown.
        ca_bundle: the user's certificate authorities, or None for the default.
        neo4j_uri: the database's address, or None if it is unknown.
        ask_database: whether to connect to the database directly.
        scheme: how the user's client spells the scheme of the Authorization header.
        find_service: looks up the service at one of some host names in AWS.
    """

    source: Callable[[], CredentialsSource]
    outputs: StackOutputs | None
    ca_bundle: str | None
    neo4j_uri: str | None
    ask_database: bool
    scheme: str
    find_service: Callable[[Collection[str]], Service | None]


class Examination:
    """One run of the doctor. Later hops use the results of earlier ones."""

    def __init__(self, options: DoctorOptions) -> None:
        """Set the options; nothing is checked yet."""
        self._options = options
        self._failed = False
        # Each is set once its hop has passed.
        self._credentials: ClientCredentials
        self._token: AccessToken
        self._ca_bundle: str | None = None
        self._discovery: Discovery | None = None
        self._logon: Logon | None = None
        self._answers: ServerAnswers | None = None
        self._steps: dict[Hop, Callable[[], Verdict]] = {
            Hop.CONFIGURATION: self._configuration,
            Hop.CONNECTION: self._connection,
            Hop.HEALTH: self._health,
            Hop.DISCOVERY: self._read_discovery,
            Hop.TOKEN: self._fetch_token,
            Hop.CLAIMS: self._claims,
            Hop.DATABASE: self._database,
            Hop.SERVER: self._server,
            Hop.ROLES: self._roles,
        }

    def examine(self, hop: Hop) -> Finding:
        """Check a hop, after all hops before it; skip it if one of them failed."""
        if self._failed:
            return Finding(hop=hop, status=Status.NOT_REACHED)
        finding = _finding(hop, self._steps[hop]())
        self._failed = finding.status is Status.FAILED
        return finding

    def _configuration(self) -> Verdict:
        credentials: ClientCredentials | Neo4jMcpError
        try:
            self._ca_bundle = find_ca_bundle(self._options.ca_bundle)
            credentials = self._options.source().current()
        except Neo4jMcpError as error:
            credentials = error
        else:
            self._credentials = credentials
        return judging.judge_configuration(credentials, self._options.outputs)

    def _connection(self) -> Verdict:
        urls = [self._credentials.mcp_url, self._credentials.token_url]
        outputs = self._options.outputs
        if outputs is not None:
            urls += [outputs.discovery_url, outputs.jwks_url]
        return judging.judge_connections(probes.connections(urls, ca_bundle=self._ca_bundle))

    def _health(self) -> Verdict:
        health = probes.health(self._address, ca_bundle=self._ca_bundle)
        if not judging.is_healthy(health):
            health = replace(health, service=self._options.find_service(self._hosts))
        return judging.judge_health(health)

    def _read_discovery(self) -> Verdict:
        outputs = self._options.outputs
        if outputs is None:
            return Skipped(_NO_OUTPUTS)
        self._discovery = probes.discovery(
            outputs.discovery_url, outputs.jwks_url, ca_bundle=self._ca_bundle
        )
        verdict = judging.judge_discovery(self._discovery, outputs)
        if isinstance(verdict, Passed) and self._credentials.mcp_url == outputs.edge_url:
            return self._read_edge_metadata(verdict, outputs, outputs.edge_url)
        return verdict

    def _read_edge_metadata(
        self, discovery: Passed, outputs: StackOutputs, edge_url: str
    ) -> Verdict:
        metadata = probes.edge_metadata(edge_url, ca_bundle=self._ca_bundle)
        verdict = judging.judge_edge_metadata(metadata, outputs, self._credentials.token_url)
        if isinstance(verdict, Passed):
            return Passed(f"{discovery.seen}; {verdict.seen}")
        return verdict

    def _fetch_token(self) -> Verdict:
        taken = probes.fetch_token(self._credentials, ca_bundle=self._ca_bundle)
        if taken.token is not None:
            self._token = taken.token
        return judging.judge_token(taken, self._discovery.key_ids if self._discovery else None)

    def _claims(self) -> Verdict:
        outputs = self._options.outputs
        if outputs is None:
            return Skipped(_NO_OUTPUTS)
        return judging.judge_claims(self._token.claims, outputs)

    def _database(self) -> Verdict:
        if not self._options.ask_database:
            return Skipped("Skipped by --no-database.")
        if self._options.neo4j_uri is None:
            return Skipped(_NO_URI)
        try:
            # Imported late: the driver is an extra.
            from neo4j_mcp_client.doctor.bolt import logon  # noqa: PLC0415

            self._logon = logon(self._options.neo4j_uri, self._token, ca_bundle=self._ca_bundle)
        except ConfigurationError as error:
            return Skipped(f"{error.message} {error.remedy}".strip())
        return judging.judge_logon(self._logon)

    def _server(self) -> Verdict:
        answers = server.server_answers(
            self._credentials.mcp_url,
            self._token,
            ca_bundle=self._ca_bundle,
            scheme=self._options.scheme,
        )
        if judging.is_slow(answers):
            answers = replace(answers, service=self._options.find_service(self._hosts))
        self._answers = answers
        return judging.judge_server(answers, self._logon)

    def _roles(self) -> Verdict:
        outputs = self._options.outputs
        if outputs is None:
            return Skipped(_NO_OUTPUTS)
        roles = self._answers.roles if self._answers else None
        return judging.judge_roles(roles, self._token.claims, outputs)

    @property
    def _address(self) -> str:
        """The address with the health check: the service's, unless the caller uses another one.

        What else may be in front of the service needn't pass the health check on.
        """
        outputs, mcp_url = self._options.outputs, self._credentials.mcp_url
        if outputs is not None and mcp_url == outputs.mcp_url:
            return outputs.service_url
        return mcp_url.removesuffix("/mcp")

    @property
    def _hosts(self) -> frozenset[str]:
        """The host names by which AWS may know the service, or the edge in front of it."""
        hosts = {urlsplit(self._address).netloc}
        outputs = self._options.outputs
        # The outputs' other names are those of the host that callers use.
        if outputs is not None and self._credentials.mcp_url != outputs.other_mcp_url:
            hosts.add(urlsplit(outputs.service_url).netloc)
            if outputs.load_balancer is not None:
                hosts.add(outputs.load_balancer.lower())
        return frozenset(hosts)


def _finding(hop: Hop, verdict: Verdict) -> Finding:
    match verdict:
        case Passed(seen):
            return Finding(hop=hop, status=Status.PASSED, seen=seen)
        case Skipped(seen):
            return Finding(hop=hop, status=Status.SKIPPED, seen=seen)
        case Failed(fault, seen):
            return Finding(hop=hop, status=Status.FAILED, seen=seen, fault=fault)
