"""Decides what the evidence at each hop means, without I/O."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from neo4j_mcp_client.credentials import ClientCredentials
from neo4j_mcp_client.doctor import faults
from neo4j_mcp_client.doctor.evidence import (
    Connection,
    Discovery,
    EdgeMetadata,
    Health,
    HostKind,
    Logon,
    ServerAnswers,
    StackOutputs,
    TokenResult,
)
from neo4j_mcp_client.doctor.faults import Fault
from neo4j_mcp_client.errors import (
    CertificateRuleError,
    ClientDisabledError,
    CypherError,
    DatabaseUnavailableError,
    ForbiddenError,
    InvalidClientError,
    InvalidScopeError,
    Neo4jMcpError,
    ServerError,
    TimeLimitError,
    TlsError,
    TokenExpiredError,
    TokenRejectedError,
    UnauthorizedError,
)

PUBLIC_ROLE = "PUBLIC"
"""The role that Neo4j gives to everyone who can log in."""

_OK = 200
_FORBIDDEN = 403
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500
_CLOCK_TOLERANCE = 60.0
# Telemetry delays a response by 30 s if its packets are dropped, and by 10 s if only names aren't
# resolved.
_SLOW_SECONDS = 5.0
# What a function URL answers where the function's policy doesn't allow the request.
_ACCESS_DENIED = "AccessDeniedException"
_PROCEDURE_NOT_FOUND = "Neo.ClientError.Procedure.ProcedureNotFound"
_TELEMETRY = "NEO4J_MCP_TELEMETRY"
_MAPPING = re.compile(r'\s*"(?P<group>[^"]+)"\s*=\s*(?P<roles>[^;"=]+)')
_FAULT_BY_PAUSED_HOST = {
    HostKind.APP_RUNNER: faults.SERVICE_PAUSED,
    HostKind.EDGE: faults.EDGE_DISABLED,
    HostKind.FARGATE: faults.TASKS_STOPPED,
    HostKind.LAMBDA: faults.FUNCTION_PAUSED,
}
# Source: OpenSSL's x509_vfy.h, X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_HOSTNAME_MISMATCH.
_FAULT_BY_VERIFY_CODE: Mapping[int | None, Fault] = {
    10: faults.CERTIFICATE_EXPIRED,
    62: faults.CERTIFICATE_OF_ANOTHER_NAME,
}
# The first matching prefix wins.
_FAULT_BY_CODE = (
    ("Neo.TransientError.Security.AuthProvider", faults.PROVIDER_UNREACHABLE_FROM_AURA),
    ("Neo.ClientError.Security.Forbidden", faults.GROUP_NOT_MAPPED_IN_AURA),
    ("Neo.ClientError.Security.TokenExpired", faults.TOKEN_EXPIRED_IN_AURA),
    ("Neo.ClientError.Security.AuthorizationExpired", faults.TOKEN_EXPIRED_IN_AURA),
    ("Neo.ClientError.Security.", faults.AUDIENCE_IN_AURA),
)
_SECURITY_ERRORS = (TokenRejectedError, TokenExpiredError, ForbiddenError)
_FAULT_BY_ERROR: tuple[tuple[type[Neo4jMcpError], Fault], ...] = (
    (UnauthorizedError, faults.AUTHORIZATION_LOST),
    (DatabaseUnavailableError, faults.SERVER_CANT_REACH_DATABASE),
    (TimeLimitError, faults.QUERY_TIMES_OUT),
    (ServerError, faults.NO_MCP_SERVER),
)


@dataclass(frozen=True)
class Passed:
    """A hop without a fault.

    Attributes:
        seen: the details.
    """

    seen: str


@dataclass(frozen=True)
class Failed:
    """A hop with a fault.

    Attributes:
        fault: what is wrong.
        seen: the details.
    """

    fault: Fault
    seen: str


@dataclass(frozen=True)
class Skipped:
    """A hop that can't be checked.

    Attributes:
        seen: the reason, and how to change that.
    """

    seen: str


Verdict = Passed | Failed | Skipped


def roles_by_group(mapping: str) -> dict[str, frozenset[str]]:
    """Parse Neo4j's mapping of groups to roles.

    Args:
        mapping: `"group1"=role1;"group2"=role2,role3`.
    """
    return {
        found["group"]: frozenset(role.strip() for role in found["roles"].split(","))
        for entry in mapping.split(";")
        if (found := _MAPPING.match(entry))
    }


def judge_configuration(
    credentials: ClientCredentials | Neo4jMcpError, outputs: StackOutputs | None
) -> Verdict:
    """Judge the credentials and the outputs."""
    if isinstance(credentials, Neo4jMcpError):
        return Failed(faults.CREDENTIALS_UNREADABLE, f"{credentials.message} {credentials.remedy}")
    if outputs is not None and credentials.mcp_url not in outputs.mcp_urls:
        return Failed(
            faults.OUTPUTS_OF_ANOTHER_STACK,
            f"The credentials' address is {credentials.mcp_url}, but the outputs have"
            f" {' and '.join(outputs.mcp_urls)}.",
        )
    return Passed(f"client {credentials.client_id}, scopes {' '.join(credentials.scopes)}")


def judge_connections(connections: Iterable[Connection]) -> Verdict:
    """Judge name resolution, connections and TLS."""
    for connection in connections:
        if connection.error is None:
            continue
        if (fault := _FAULT_BY_VERIFY_CODE.get(connection.verify_code)) is not None:
            return Failed(fault, connection.error.message)
        if isinstance(connection.error, CertificateRuleError):
            return Failed(faults.CERTIFICATE_BREAKS_RULE, connection.error.message)
        if isinstance(connection.error, TlsError):
            return Failed(faults.CERTIFICATE_NOT_TRUSTED, connection.error.message)
        fault = faults.NAME_NOT_RESOLVED if connection.unresolved else faults.NOT_REACHABLE
        return Failed(fault, connection.error.message)
    return Passed(", ".join(connection.root for connection in connections))


def is_healthy(health: Health) -> bool:
    """Return whether the service answers its health check."""
    return health.status == _OK


def judge_health(health: Health) -> Verdict:
    """Judge the response to the health check."""
    if is_healthy(health):
        return Passed(health.message)
    if health.service is None:
        return Failed(_health_fault(health), health.message)
    seen = f"{health.service.arn} is {health.service.status}; {health.message}"
    if health.service.is_paused:
        return Failed(_FAULT_BY_PAUSED_HOST[health.service.host], seen)
    if health.service.is_healthy is False:
        return Failed(faults.NO_HEALTHY_TASK, seen)
    return Failed(_health_fault(health), seen)


def _health_fault(health: Health) -> Fault:
    if health.status == _TOO_MANY_REQUESTS:
        return faults.CAPACITY_IN_USE
    if health.status == _FORBIDDEN and health.aws_error == _ACCESS_DENIED:
        return faults.FUNCTION_URL_FORBIDDEN
    return faults.SERVICE_NOT_SERVING


def judge_discovery(discovery: Discovery, outputs: StackOutputs) -> Verdict:
    """Judge the documents that Aura reads."""
    if discovery.problem is not None:
        return Failed(faults.DISCOVERY_UNREADABLE, discovery.problem)
    if discovery.issuer != outputs.issuer:
        return Failed(
            faults.ISSUER_DIFFERS,
            f"The discovery document says {discovery.issuer}, but the outputs {outputs.issuer}.",
        )
    return Passed(f"{discovery.issuer}, {len(discovery.key_ids)} keys")


def judge_edge_metadata(metadata: EdgeMetadata, outputs: StackOutputs, token_url: str) -> Verdict:
    """Judge the edge's documents.

    Args:
        token_url: the token endpoint of the caller's credentials.
    """
    if metadata.problem is not None:
        return Failed(faults.EDGE_METADATA, metadata.problem)
    origin = (outputs.edge_url or "").removesuffix("/mcp")
    for name, found, wanted in (
        ("resource", metadata.resource, outputs.edge_url),
        ("authorization_servers", metadata.servers, (origin,)),
        ("issuer", metadata.issuer, origin),
        ("token_endpoint", metadata.token_url, token_url),
    ):
        if found != wanted:
            return Failed(faults.EDGE_METADATA, f"Its {name} is {found}, and should be {wanted}.")
    return Passed(f"the edge names {metadata.token_url}")


def judge_token(taken: TokenResult, key_ids: frozenset[str] | None) -> Verdict:
    """Judge the token endpoint's answer."""
    if taken.token is None:
        return _judge_token_error(taken)
    claims = taken.token.claims
    if not claims:
        return Failed(faults.TOKEN_UNREADABLE, "It isn't a JWT.")
    if key_ids is not None and taken.key_id not in key_ids:
        return Failed(
            faults.TOKEN_UNREADABLE,
            f"It is signed with {taken.key_id}, which isn't one of the pool's keys.",
        )
    issued_at = claims.get("iat")
    if isinstance(issued_at, (int, float)) and abs(taken.now - issued_at) > _CLOCK_TOLERANCE:
        return Failed(
            faults.CLOCK_DIFFERS,
            f"The token was issued {issued_at - taken.now:+.0f} s from this machine's time.",
        )
    return Passed(f"valid for {taken.token.lifetime:.0f} s")


def judge_claims(claims: Mapping[str, Any], outputs: StackOutputs) -> Verdict:
    """Judge the claims by the stack's outputs for Aura."""
    audience, groups = claims.get("aud"), claims.get(outputs.groups_claim)
    if not audience and not groups:
        return Failed(faults.CLAIMS_FUNCTION_MISSING, f"Its claims: {', '.join(claims)}.")
    if not audience or not groups:
        missing = outputs.groups_claim if audience else "aud"
        return Failed(faults.CLAIM_MISSING, f"{missing} is missing.")
    if claims.get("iss") != outputs.issuer:
        return Failed(
            faults.ISSUER_DIFFERS,
            f"The token's issuer is {claims.get('iss')}, but the outputs' is {outputs.issuer}.",
        )
    audiences = _strings(audience)
    if not set(audiences) & set(outputs.audience):
        return Failed(
            faults.AUDIENCE_NOT_IN_OUTPUTS,
            f"The token's: {', '.join(audiences)}. In auraSso: {', '.join(outputs.audience)}.",
        )
    mapping = roles_by_group(outputs.group_to_role_mapping)
    names = _strings(groups)
    if not set(names) & set(mapping):
        return Failed(
            faults.GROUP_NOT_IN_OUTPUTS,
            f"The token's groups: {', '.join(names)}. Groups with a role: {', '.join(mapping)}.",
        )
    return Passed(f"aud {', '.join(audiences)}; groups {', '.join(names)}")


def judge_logon(logon: Logon) -> Verdict:
    """Judge the login to the database with a token whose claims are right."""
    if logon.code is not None:
        return Failed(_logon_fault(logon.code), logon.message)
    if logon.roles is None:
        return Failed(faults.DATABASE_UNREACHABLE, logon.message)
    if not set(logon.roles) - {PUBLIC_ROLE}:
        return Failed(faults.GROUP_NOT_MAPPED_IN_AURA, f"Its roles: {', '.join(logon.roles)}.")
    return Passed(f"roles {', '.join(logon.roles)}, in {logon.seconds * 1000:.0f} ms")


def is_slow(answers: ServerAnswers) -> bool:
    """Return whether a trivial query took too long."""
    return answers.seconds > _SLOW_SECONDS


def judge_server(answers: ServerAnswers, logon: Logon | None) -> Verdict:
    """Judge the server's results with the token."""
    if answers.error is not None:
        return _judge_server_error(answers.error, logon)
    if _is_telemetry(answers, logon):
        known = answers.service and answers.service.environment.get(_TELEMETRY)
        return Failed(
            faults.TELEMETRY_DELAY,
            f"A trivial query took {answers.seconds:.0f} s."
            + (f" {_TELEMETRY} is {known}." if known else ""),
        )
    if answers.scheme_refused:
        return Failed(
            faults.BEARER_CASE,
            "The server accepts `Bearer`, and answers your spelling with 401.",
        )
    if answers.schema_error is not None:
        return _judge_schema_error(answers.schema_error, logon)
    names = ", ".join(tool.name for tool in answers.tools)
    return Passed(f"{names}; a query in {answers.seconds * 1000:.0f} ms")


def judge_roles(
    roles: Iterable[str] | None, claims: Mapping[str, Any], outputs: StackOutputs
) -> Verdict:
    """Compare the token's roles with those in the stack's outputs.

    Args:
        roles: the roles, or None if they aren't known.
    """
    if roles is None:
        return Skipped("The database didn't return the token's roles.")
    given = set(roles) - {PUBLIC_ROLE}
    mapping = roles_by_group(outputs.group_to_role_mapping)
    wanted = {
        role
        for name in _strings(claims.get(outputs.groups_claim))
        for role in mapping.get(name, ())
    }
    if given != wanted:
        return Failed(
            faults.ROLES_DIFFER,
            f"In Aura: {', '.join(sorted(given)) or 'none'}. In auraSso:"
            f" {', '.join(sorted(wanted))}.",
        )
    return Passed(", ".join(sorted(given)))


def _judge_token_error(taken: TokenResult) -> Verdict:
    error = taken.error
    message = str(error.message) if error else "There was no token."
    if isinstance(error, InvalidClientError):
        return Failed(faults.SECRET_REJECTED, message)
    if isinstance(error, ClientDisabledError) or taken.any_scope_refused:
        return Failed(faults.CLIENT_DISABLED, message)
    if isinstance(error, InvalidScopeError):
        return Failed(faults.SCOPE_NOT_ALLOWED, message)
    return Failed(faults.TOKEN_ENDPOINT_UNAVAILABLE, message)


def _logon_fault(code: str) -> Fault:
    for prefix, fault in _FAULT_BY_CODE:
        if code.startswith(prefix):
            return fault
    return faults.DATABASE_UNREACHABLE


def _judge_server_error(error: Neo4jMcpError, logon: Logon | None) -> Verdict:
    if isinstance(error, _SECURITY_ERRORS):
        # The database has just accepted the same token.
        if logon is not None:
            return Failed(faults.SERVER_HAS_ANOTHER_DATABASE, error.message)
        return Failed(_logon_fault(error.message.partition(":")[0]), error.message)
    if isinstance(error, ServerError) and error.status == _TOO_MANY_REQUESTS:
        return Failed(faults.CAPACITY_IN_USE, error.message)
    if isinstance(error, ServerError) and error.status >= _SERVER_ERRORS:
        return Failed(faults.SERVICE_NOT_SERVING, error.message)
    for kind, fault in _FAULT_BY_ERROR:
        if isinstance(error, kind):
            return Failed(fault, error.message)
    return Failed(faults.CALL_FAILED, error.message)


def _judge_schema_error(error: Neo4jMcpError, logon: Logon | None) -> Verdict:
    # Compared by code, since any error of get-schema may mention the apoc procedure that it calls.
    if isinstance(error, CypherError) and error.code == _PROCEDURE_NOT_FOUND:
        return Failed(faults.APOC_MISSING, error.message)
    if isinstance(error, TimeLimitError):
        return Failed(faults.SCHEMA_TIMES_OUT, error.message)
    if isinstance(error, ForbiddenError):
        # The same token has just run a query.
        return Failed(faults.CALL_FAILED, error.message)
    return _judge_server_error(error, logon)


def _is_telemetry(answers: ServerAnswers, logon: Logon | None) -> bool:
    if not is_slow(answers):
        return False
    if logon is not None and logon.seconds > answers.seconds / 2:
        # The database itself is slow.
        return False
    if answers.service is not None:
        # The server's own default is true.
        set_to = answers.service.environment.get(_TELEMETRY, "true")
        return set_to.lower() not in {"false", "f", "0"}
    return logon is not None


def _strings(value: Any) -> list[str]:  # noqa: ANN401 - a claim may be anything
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]
