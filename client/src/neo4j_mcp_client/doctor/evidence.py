"""The facts that the doctor collects at each hop."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.calls import Tool
from neo4j_mcp_client.errors import Neo4jMcpError


@dataclass(frozen=True, kw_only=True)
class StackOutputs:
    """The stack's outputs that the doctor uses; none is secret.

    Attributes:
        mcp_url: the server's MCP address.
        service_url: the service's address.
        issuer: the user pool's issuer.
        discovery_url: its discovery document.
        jwks_url: its keys.
        audience: the audience that Aura must accept.
        groups_claim: the claim with the groups.
        group_to_role_mapping: the mapping in Neo4j's format.
        edge_url: the MCP address for clients that discover, or None without an edge.
        load_balancer: the load balancer's own name, or None without one.
        other_mcp_url: the MCP address of the other host, or None unless the stack moves.
    """

    mcp_url: str
    service_url: str
    issuer: str
    discovery_url: str
    jwks_url: str
    audience: tuple[str, ...]
    groups_claim: str
    group_to_role_mapping: str
    edge_url: str | None = None
    load_balancer: str | None = None
    other_mcp_url: str | None = None

    @classmethod
    def parse(cls, outputs: Mapping[str, Any]) -> "StackOutputs | None":
        """Parse a stack's outputs.

        Returns:
            The outputs, or None if one is missing.
        """
        sso = outputs.get("auraSso")
        try:
            return cls(
                mcp_url=outputs["mcpUrl"],
                service_url=outputs["serviceUrl"],
                issuer=outputs["issuer"],
                discovery_url=outputs["discoveryUrl"],
                jwks_url=outputs["jwksUrl"],
                audience=tuple(sso["audience"]),  # type: ignore[index]  # caught
                groups_claim=sso["groupsClaim"],  # type: ignore[index]  # caught
                group_to_role_mapping=sso["groupToRoleMapping"],  # type: ignore[index]  # caught
                edge_url=outputs.get("edgeUrl"),
                load_balancer=outputs.get("serviceDomainTarget"),
                other_mcp_url=outputs.get("otherMcpUrl"),
            )
        except (KeyError, TypeError):
            return None

    @property
    def mcp_urls(self) -> tuple[str, ...]:
        """The server's MCP addresses: the output mcpUrl, the edge's and the other host's."""
        return tuple(filter(None, (self.mcp_url, self.edge_url, self.other_mcp_url)))


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The result of connecting to a host.

    Attributes:
        root: the host's URL.
        error: why the connection failed, or None.
        unresolved: whether it failed because the name can't be resolved.
        verify_code: OpenSSL's code of what is wrong with the certificate, or None.
    """

    root: str
    error: Neo4jMcpError | None = None
    unresolved: bool = False
    verify_code: int | None = None


class HostKind(enum.Enum):
    """What runs the service, or the edge in front of it."""

    APP_RUNNER = enum.auto()
    EDGE = enum.auto()
    FARGATE = enum.auto()
    LAMBDA = enum.auto()


@dataclass(frozen=True, kw_only=True)
class Service:
    """The service as AWS describes it.

    Attributes:
        host: what runs it.
        arn: its ARN.
        status: its status, and what else explains it.
        is_paused: whether somebody has paused it.
        is_healthy: whether an instance passes its health check; None if AWS doesn't say.
        environment: the server's environment variables.
    """

    host: HostKind
    arn: str
    status: str
    is_paused: bool = False
    is_healthy: bool | None = None
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Health:
    """The response of GET /healthz.

    Attributes:
        status: the HTTP status, or None if there was no response.
        message: the start of the response, or why there was none.
        aws_error: AWS's own code of the error, or None.
        service: the service in AWS, if it was looked up.
    """

    status: int | None
    message: str
    aws_error: str | None = None
    service: Service | None


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """The user pool's public documents.

    Attributes:
        issuer: the discovery document's issuer.
        key_ids: the ids of the keys.
        problem: why they can't be read, or None if they can.
    """

    issuer: str | None = None
    key_ids: frozenset[str] = frozenset()
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class EdgeMetadata:
    """The documents by which clients discover at the edge how to get a token.

    Attributes:
        resource: the MCP address that they are about.
        servers: the authorization servers.
        issuer: the authorization server's own name.
        token_url: the token endpoint.
        problem: why they can't be read, or None if they can.
    """

    resource: str | None = None
    servers: tuple[str, ...] = ()
    issuer: str | None = None
    token_url: str | None = None
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class TokenResult:
    """The result of a token request.

    Attributes:
        token: the token, or None if there is none.
        error: why there is none.
        any_scope_refused: whether a request without a scope, which allows the endpoint any, is
            refused too; False if there was none.
        key_id: the id of the key that signed it.
        now: this machine's time at the response, in seconds since the epoch.
    """

    token: AccessToken | None = None
    error: Neo4jMcpError | None = None
    any_scope_refused: bool = False
    key_id: str | None = None
    now: float


@dataclass(frozen=True, kw_only=True)
class Logon:
    """The result of a login to the database with the token.

    Attributes:
        roles: the token's roles, or None if the login failed.
        code: Neo4j's status code of the failure, or None.
        message: a description of the failure.
        seconds: the duration of the login and a query.
    """

    roles: tuple[str, ...] | None = None
    code: str | None = None
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ServerAnswers:
    """The server's results with the token.

    Attributes:
        tools: its tools.
        roles: the token's roles in the server's database.
        seconds: the duration of the query.
        error: the first failure of tools/list and the query.
        schema_error: the failure of get-schema, which needs APOC.
        scheme_refused: whether the server answers the user's spelling of the scheme with 401.
        service: the service in AWS, if it was looked up.
    """

    tools: tuple[Tool, ...] = ()
    roles: tuple[str, ...] | None = None
    seconds: float = 0.0
    error: Neo4jMcpError | None = None
    schema_error: Neo4jMcpError | None = None
    scheme_refused: bool = False
    service: Service | None = None
