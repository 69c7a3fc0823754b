"""What the doctor sees at each hop: facts, and no judgement."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.calls import Tool
from neo4j_mcp_client.errors import Neo4jMcpError


@dataclass(frozen=True, kw_only=True)
class StackOutputs:
    """What a stack says of itself; nothing here is secret.

    Attributes:
        mcp_url: where the server speaks MCP.
        service_url: the service itself.
        issuer: the user pool's issuer.
        discovery_url: its discovery document.
        jwks_url: its keys.
        audience: the audience that Aura must accept.
        groups_claim: the claim with the groups.
        group_to_role_mapping: Neo4j's mapping, as it stands in Aura.
    """

    mcp_url: str
    service_url: str
    issuer: str
    discovery_url: str
    jwks_url: str
    audience: tuple[str, ...]
    groups_claim: str
    group_to_role_mapping: str

    @classmethod
    def parse(cls, outputs: Mapping[str, Any]) -> "StackOutputs | None":
        """Read a stack's outputs.

        Returns:
            What the doctor needs of them, or None if it isn't all there.
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
            )
        except (KeyError, TypeError):
            return None


@dataclass(frozen=True, kw_only=True)
class Connection:
    """What became of a connection to a host.

    Attributes:
        root: the host's URL.
        error: why there is none.
        unresolved: whether it is because the name has no address.
    """

    root: str
    error: Neo4jMcpError | None = None
    unresolved: bool = False


@dataclass(frozen=True, kw_only=True)
class Service:
    """What App Runner says of the service.

    Attributes:
        arn: its ARN.
        status: its status, as App Runner names it.
        environment: the server's environment variables.
    """

    arn: str
    status: str
    environment: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Health:
    """What GET /healthz answers.

    Attributes:
        status: the HTTP status; None without an answer.
        message: the answer's beginning, or why there is none.
        service: what App Runner says, where it was asked and answered.
    """

    status: int | None
    message: str
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
class TakenToken:
    """What the token endpoint gave.

    Attributes:
        token: the token, or None if there is none.
        error: why there is none.
        key_id: the id of the key that signed it.
        now: this machine's clock when the token came, in seconds since the epoch.
    """

    token: AccessToken | None = None
    error: Neo4jMcpError | None = None
    key_id: str | None = None
    now: float


@dataclass(frozen=True, kw_only=True)
class Logon:
    """What the database does with the token.

    Attributes:
        roles: the roles that it gives, or None if it wasn't told.
        code: Neo4j's status code of the refusal, or None if there is none.
        message: what was seen, in words.
        seconds: how long it took.
    """

    roles: tuple[str, ...] | None = None
    code: str | None = None
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class ServerAnswers:
    """What the server does with the token.

    Attributes:
        tools: its tools.
        roles: the roles that the database gives to the token behind the server.
        seconds: how long the query took.
        error: the first failure of tools/list and the query.
        schema_error: the failure of get-schema, which needs APOC.
        scheme_refused: whether the person's own spelling of the scheme gets 401.
        service: what App Runner says, where it was asked and answered.
    """

    tools: tuple[Tool, ...] = ()
    roles: tuple[str, ...] | None = None
    seconds: float = 0.0
    error: Neo4jMcpError | None = None
    schema_error: Neo4jMcpError | None = None
    scheme_refused: bool = False
    service: Service | None = None
