"""What each piece of evidence means, without any service."""

import time
from dataclasses import replace
from typing import Any

import pytest

from client.tests.site import issued
from neo4j_mcp_client import (
    AccessToken,
    CertificateRuleError,
    ClientCredentials,
    ClientDisabledError,
    CypherError,
    DatabaseUnavailableError,
    ForbiddenError,
    Hop,
    InvalidClientError,
    InvalidScopeError,
    Neo4jMcpError,
    NetworkError,
    SecretStoreError,
    ServerError,
    TimeLimitError,
    TlsError,
    TokenEndpointUnavailableError,
    TokenRejectedError,
    ToolError,
    UnauthorizedError,
)
from neo4j_mcp_client.doctor import faults, judging
from neo4j_mcp_client.doctor.evidence import (
    Connection,
    Discovery,
    EdgeMetadata,
    Health,
    HostKind,
    Logon,
    ServerAnswers,
    Service,
    StackOutputs,
    TokenResult,
)
from neo4j_mcp_client.doctor.faults import FAULTS, Fault
from neo4j_mcp_client.doctor.judging import Failed, Passed, Skipped, Verdict

OUTPUTS = StackOutputs(
    mcp_url="https://server.example/mcp",
    service_url="https://server.example",
    issuer="https://issuer.example/pool",
    discovery_url="https://issuer.example/pool/.well-known/openid-configuration",
    jwks_url="https://issuer.example/pool/.well-known/jwks.json",
    audience=("client-1", "client-2"),
    groups_claim="groups",
    group_to_role_mapping='"reader"=reader;"writer"=publisher, reader',
)
CLAIMS = {"aud": "client-1", "groups": ["reader"], "iss": OUTPUTS.issuer}
CREDENTIALS = ClientCredentials(
    client_id="client-1",
    client_secret="hush",
    token_url="https://issuer.example/oauth2/token",
    scopes=("neo4j-mcp/reader",),
    mcp_url=OUTPUTS.mcp_url,
)
QUICK = Logon(roles=("PUBLIC", "reader"), seconds=0.02)


def fault_of(verdict: Verdict) -> Fault:
    assert isinstance(verdict, Failed)
    return verdict.fault


def taken(**claims: Any) -> TokenResult:  # noqa: ANN401 - claims are anything
    value = issued(**claims).body["access_token"]
    now = time.time()
    token = AccessToken(value=value, expires_at=now + 3600, lifetime=3600)
    return TokenResult(token=token, key_id="key-1", now=now)


def test_every_fault_has_a_unique_name_and_all_texts() -> None:
    assert len(FAULTS) == len({fault.what for fault in FAULTS.values()}) > 20
    for name, fault in FAULTS.items():
        assert name == fault.name
        assert fault.what.endswith(".")
        assert fault.where.endswith(".")
        assert fault.remedy


def test_incomplete_outputs_are_ignored() -> None:
    outputs = {
        "mcpUrl": OUTPUTS.mcp_url,
        "serviceUrl": OUTPUTS.service_url,
        "issuer": OUTPUTS.issuer,
        "discoveryUrl": OUTPUTS.discovery_url,
        "jwksUrl": OUTPUTS.jwks_url,
        "auraSso": {
            "audience": list(OUTPUTS.audience),
            "groupsClaim": "groups",
            "groupToRoleMapping": OUTPUTS.group_to_role_mapping,
        },
    }
    assert StackOutputs.parse(outputs) == OUTPUTS
    for name in outputs:
        assert StackOutputs.parse({key: outputs[key] for key in outputs if key != name}) is None
    edge = "https://edge.example/mcp"
    with_edge = StackOutputs.parse(outputs | {"edgeUrl": edge})
    assert with_edge == replace(OUTPUTS, edge_url=edge)
    on_fargate = StackOutputs.parse(outputs | {"serviceDomainTarget": "x.elb.amazonaws.com"})
    assert on_fargate == replace(OUTPUTS, load_balancer="x.elb.amazonaws.com")
    moving = StackOutputs.parse(outputs | {"otherMcpUrl": "https://next.example/mcp"})
    assert moving == replace(OUTPUTS, other_mcp_url="https://next.example/mcp")


def test_a_mapping_is_read_as_neo4j_writes_it() -> None:
    assert judging.roles_by_group(OUTPUTS.group_to_role_mapping) == {
        "reader": {"reader"},
        "writer": {"publisher", "reader"},
    }
    assert judging.roles_by_group("") == {}


def test_configuration() -> None:
    assert isinstance(judging.judge_configuration(CREDENTIALS, OUTPUTS), Passed)
    assert isinstance(judging.judge_configuration(CREDENTIALS, None), Passed)
    other = replace(OUTPUTS, mcp_url="https://other.example/mcp")
    assert (
        fault_of(judging.judge_configuration(CREDENTIALS, other)) is faults.OUTPUTS_OF_ANOTHER_STACK
    )
    at_the_edge = replace(other, edge_url=CREDENTIALS.mcp_url)
    assert isinstance(judging.judge_configuration(CREDENTIALS, at_the_edge), Passed)
    on_the_other_host = replace(other, other_mcp_url=CREDENTIALS.mcp_url)
    assert isinstance(judging.judge_configuration(CREDENTIALS, on_the_other_host), Passed)
    unreadable = judging.judge_configuration(SecretStoreError("no"), OUTPUTS)
    assert fault_of(unreadable) is faults.CREDENTIALS_UNREADABLE


def test_connections() -> None:
    for error, unresolved, fault in (
        (TlsError("not trusted"), False, faults.CERTIFICATE_NOT_TRUSTED),
        (CertificateRuleError("not critical"), False, faults.CERTIFICATE_BREAKS_RULE),
        (NetworkError("no address"), True, faults.NAME_NOT_RESOLVED),
        (NetworkError("refused"), False, faults.NOT_REACHABLE),
    ):
        good = Connection(root="https://x.example")
        bad = Connection(root="https://y.example", error=error, unresolved=unresolved)
        assert fault_of(judging.judge_connections([good, bad])) is fault
        assert isinstance(judging.judge_connections([good]), Passed)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (10, faults.CERTIFICATE_EXPIRED),
        (62, faults.CERTIFICATE_OF_ANOTHER_NAME),
        (20, faults.CERTIFICATE_NOT_TRUSTED),
    ],
)
def test_what_is_wrong_with_a_certificate_is_a_fault(code: int, fault: Fault) -> None:
    bad = Connection(root="https://x.example", error=TlsError("not trusted"), verify_code=code)
    assert fault_of(judging.judge_connections([bad])) is fault


def service(
    status: str = "RUNNING",
    host: HostKind = HostKind.APP_RUNNER,
    *,
    is_paused: bool = False,
    is_healthy: bool | None = None,
    **environment: str,
) -> Service:
    return Service(
        host=host,
        arn="arn:…",
        status=status,
        is_paused=is_paused,
        is_healthy=is_healthy,
        environment=environment,
    )


PAUSED = service("PAUSED", is_paused=True)
PAUSED_FUNCTION = service("Active", HostKind.LAMBDA, is_paused=True)
FUNCTION = service("Active", HostKind.LAMBDA)
STOPPED_TASKS = service("ACTIVE", HostKind.FARGATE, is_paused=True, is_healthy=False)
UNHEALTHY_TASKS = service("ACTIVE", HostKind.FARGATE, is_healthy=False)
HEALTHY_TASKS = service("ACTIVE", HostKind.FARGATE, is_healthy=True)
DISABLED_EDGE = service("disabled", HostKind.EDGE, is_paused=True)
DENIED = "AccessDeniedException"


@pytest.mark.parametrize(
    ("health", "fault"),
    [
        (Health(status=503, message="HTTP 503", service=PAUSED), faults.SERVICE_PAUSED),
        (Health(status=429, message="HTTP 429", service=PAUSED_FUNCTION), faults.FUNCTION_PAUSED),
        (Health(status=429, message="HTTP 429", service=FUNCTION), faults.CAPACITY_IN_USE),
        (Health(status=502, message="HTTP 502", service=FUNCTION), faults.SERVICE_NOT_SERVING),
        (
            Health(status=403, message="HTTP 403", aws_error=DENIED, service=None),
            faults.FUNCTION_URL_FORBIDDEN,
        ),
        (Health(status=403, message="HTTP 403", service=None), faults.SERVICE_NOT_SERVING),
        (Health(status=503, message="HTTP 503", service=service()), faults.SERVICE_NOT_SERVING),
        (Health(status=503, message="HTTP 503", service=STOPPED_TASKS), faults.TASKS_STOPPED),
        (Health(status=502, message="HTTP 502", service=UNHEALTHY_TASKS), faults.NO_HEALTHY_TASK),
        (Health(status=502, message="HTTP 502", service=HEALTHY_TASKS), faults.SERVICE_NOT_SERVING),
        (Health(status=403, message="HTTP 403", service=DISABLED_EDGE), faults.EDGE_DISABLED),
        (Health(status=503, message="HTTP 503", service=None), faults.SERVICE_NOT_SERVING),
        (Health(status=None, message="no answer", service=None), faults.SERVICE_NOT_SERVING),
    ],
)
def test_health(health: Health, fault: Fault) -> None:
    assert fault_of(judging.judge_health(health)) is fault
    assert isinstance(judging.judge_health(replace(health, status=200)), Passed)


def test_discovery() -> None:
    right = Discovery(issuer=OUTPUTS.issuer, key_ids=frozenset({"key-1"}))
    assert isinstance(judging.judge_discovery(right, OUTPUTS), Passed)
    other = replace(right, issuer="https://other.example")
    assert fault_of(judging.judge_discovery(other, OUTPUTS)) is faults.ISSUER_DIFFERS
    unread = Discovery(problem="HTTP 404")
    assert fault_of(judging.judge_discovery(unread, OUTPUTS)) is faults.DISCOVERY_UNREADABLE


def test_the_edges_documents() -> None:
    outputs = replace(OUTPUTS, edge_url="https://edge.example/mcp")
    right = EdgeMetadata(
        resource="https://edge.example/mcp",
        servers=("https://edge.example",),
        issuer="https://edge.example",
        token_url=CREDENTIALS.token_url,
    )

    def judge(metadata: EdgeMetadata) -> Verdict:
        return judging.judge_edge_metadata(metadata, outputs, CREDENTIALS.token_url)

    assert isinstance(judge(right), Passed)
    for wrong in (
        EdgeMetadata(problem="HTTP 404"),
        replace(right, resource=OUTPUTS.mcp_url),
        replace(right, servers=()),
        replace(right, issuer=OUTPUTS.issuer),
        replace(right, token_url="https://other.example/token"),
    ):
        assert fault_of(judge(wrong)) is faults.EDGE_METADATA


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (InvalidClientError("no"), faults.SECRET_REJECTED),
        (InvalidScopeError("no"), faults.SCOPE_NOT_ALLOWED),
        (ClientDisabledError("no"), faults.CLIENT_DISABLED),
        (TokenEndpointUnavailableError("no", status=429), faults.TOKEN_ENDPOINT_UNAVAILABLE),
        (NetworkError("no"), faults.TOKEN_ENDPOINT_UNAVAILABLE),
    ],
)
def test_a_token_that_does_not_come(error: Neo4jMcpError, fault: Fault) -> None:
    assert fault_of(judging.judge_token(TokenResult(error=error, now=0.0), None)) is fault


def test_a_client_is_disabled_if_every_scope_is_refused() -> None:
    refused = TokenResult(error=InvalidScopeError("no"), any_scope_refused=True, now=0.0)
    assert fault_of(judging.judge_token(refused, None)) is faults.CLIENT_DISABLED


def test_a_token_that_comes() -> None:
    good = taken(iat=time.time())
    assert isinstance(judging.judge_token(good, frozenset({"key-1"})), Passed)
    assert isinstance(judging.judge_token(good, None), Passed)
    assert fault_of(judging.judge_token(good, frozenset({"key-2"}))) is faults.TOKEN_UNREADABLE
    late = taken(iat=time.time() - 300)
    assert fault_of(judging.judge_token(late, None)) is faults.CLOCK_DIFFERS
    opaque = TokenResult(
        token=AccessToken(value="opaque", expires_at=1.0, lifetime=1.0), now=time.time()
    )
    assert fault_of(judging.judge_token(opaque, None)) is faults.TOKEN_UNREADABLE


@pytest.mark.parametrize(
    ("claims", "fault"),
    [
        ({"iss": OUTPUTS.issuer, "scope": "neo4j-mcp/reader"}, faults.CLAIMS_FUNCTION_MISSING),
        (CLAIMS | {"groups": []}, faults.CLAIM_MISSING),
        (CLAIMS | {"aud": ""}, faults.CLAIM_MISSING),
        (CLAIMS | {"iss": "https://other.example"}, faults.ISSUER_DIFFERS),
        (CLAIMS | {"aud": "client-3"}, faults.AUDIENCE_NOT_IN_OUTPUTS),
        (CLAIMS | {"groups": ["neo4j-mcp/reader"]}, faults.GROUP_NOT_IN_OUTPUTS),
        (CLAIMS | {"groups": "nobody"}, faults.GROUP_NOT_IN_OUTPUTS),
    ],
)
def test_claims(claims: dict[str, Any], fault: Fault) -> None:
    assert fault_of(judging.judge_claims(claims, OUTPUTS)) is fault


@pytest.mark.parametrize("more", [{}, {"aud": ["x", "client-2"]}, {"groups": ["x", "writer"]}])
def test_claims_that_are_right(more: dict[str, Any]) -> None:
    assert isinstance(judging.judge_claims(CLAIMS | more, OUTPUTS), Passed)


@pytest.mark.parametrize(
    ("logon", "fault"),
    [
        (Logon(code="Neo.ClientError.Security.Unauthorized"), faults.AUDIENCE_IN_AURA),
        (Logon(code="Neo.ClientError.Security.Forbidden"), faults.GROUP_NOT_MAPPED_IN_AURA),
        (Logon(roles=("PUBLIC",)), faults.GROUP_NOT_MAPPED_IN_AURA),
        (Logon(code="Neo.ClientError.Security.TokenExpired"), faults.TOKEN_EXPIRED_IN_AURA),
        (
            Logon(code="Neo.TransientError.Security.AuthProviderTimeout"),
            faults.PROVIDER_UNREACHABLE_FROM_AURA,
        ),
        (Logon(code="Neo.TransientError.General.Whatever"), faults.DATABASE_UNREACHABLE),
        (Logon(message="no connection"), faults.DATABASE_UNREACHABLE),
    ],
)
def test_logon(logon: Logon, fault: Fault) -> None:
    assert fault_of(judging.judge_logon(logon)) is fault
    assert isinstance(judging.judge_logon(QUICK), Passed)


REJECTED = TokenRejectedError("Neo.ClientError.Security.Unauthorized: no")
FORBIDDEN = ForbiddenError("Neo.ClientError.Security.Forbidden: no")
SLOW = ServerAnswers(seconds=30.0)
TOO_LONG = TimeLimitError("too long", limit=60.0, hop=Hop.DATABASE)


@pytest.mark.parametrize(
    ("answers", "logon", "fault"),
    [
        (ServerAnswers(error=UnauthorizedError("401")), QUICK, faults.AUTHORIZATION_LOST),
        (ServerAnswers(error=REJECTED), QUICK, faults.SERVER_HAS_ANOTHER_DATABASE),
        (ServerAnswers(error=REJECTED), None, faults.AUDIENCE_IN_AURA),
        (ServerAnswers(error=FORBIDDEN), None, faults.GROUP_NOT_MAPPED_IN_AURA),
        (
            ServerAnswers(error=DatabaseUnavailableError("no")),
            QUICK,
            faults.SERVER_CANT_REACH_DATABASE,
        ),
        (ServerAnswers(error=ServerError("404", status=404)), QUICK, faults.NO_MCP_SERVER),
        (ServerAnswers(error=ServerError("503", status=503)), QUICK, faults.SERVICE_NOT_SERVING),
        (ServerAnswers(error=ServerError("429", status=429)), QUICK, faults.CAPACITY_IN_USE),
        (ServerAnswers(error=TOO_LONG), QUICK, faults.QUERY_TIMES_OUT),
        (ServerAnswers(error=ToolError("no")), QUICK, faults.CALL_FAILED),
        (ServerAnswers(scheme_refused=True), QUICK, faults.BEARER_CASE),
        (
            ServerAnswers(
                schema_error=CypherError(
                    "Neo.ClientError.Procedure.ProcedureNotFound", "apoc.meta.schema"
                )
            ),
            QUICK,
            faults.APOC_MISSING,
        ),
        (
            ServerAnswers(
                schema_error=CypherError(
                    "Neo.ClientError.Statement.SyntaxError", "CALL apoc.meta.schema"
                )
            ),
            QUICK,
            faults.CALL_FAILED,
        ),
        (
            ServerAnswers(schema_error=ForbiddenError("execute apoc.meta.schema")),
            QUICK,
            faults.CALL_FAILED,
        ),
        (ServerAnswers(schema_error=TOO_LONG), QUICK, faults.SCHEMA_TIMES_OUT),
        (ServerAnswers(schema_error=ToolError("no")), QUICK, faults.CALL_FAILED),
        (SLOW, QUICK, faults.TELEMETRY_DELAY),
        (replace(SLOW, seconds=10.1), QUICK, faults.TELEMETRY_DELAY),
        (replace(SLOW, service=service()), None, faults.TELEMETRY_DELAY),
        (
            replace(SLOW, service=service(NEO4J_MCP_TELEMETRY="true")),
            None,
            faults.TELEMETRY_DELAY,
        ),
    ],
)
def test_server(answers: ServerAnswers, logon: Logon | None, fault: Fault) -> None:
    assert fault_of(judging.judge_server(answers, logon)) is fault


@pytest.mark.parametrize(
    ("answers", "logon"),
    [
        (ServerAnswers(seconds=0.1), QUICK),
        # A database that is slow itself is no delay of the server's.
        (SLOW, replace(QUICK, seconds=29.0)),
        (SLOW, None),
        (replace(SLOW, service=service(NEO4J_MCP_TELEMETRY="true")), replace(QUICK, seconds=29.0)),
        (replace(SLOW, service=service(NEO4J_MCP_TELEMETRY="false")), QUICK),
    ],
)
def test_a_server_that_is_right(answers: ServerAnswers, logon: Logon | None) -> None:
    assert isinstance(judging.judge_server(answers, logon), Passed)


def test_roles() -> None:
    assert isinstance(judging.judge_roles(("PUBLIC", "reader"), CLAIMS, OUTPUTS), Passed)
    assert isinstance(judging.judge_roles(None, CLAIMS, OUTPUTS), Skipped)
    for roles in (("PUBLIC",), ("PUBLIC", "reader", "publisher"), ("publisher",)):
        verdict = judging.judge_roles(roles, CLAIMS, OUTPUTS)
        assert fault_of(verdict) is faults.ROLES_DIFFER
    both = CLAIMS | {"groups": ["reader", "writer"]}
    assert isinstance(judging.judge_roles(("reader", "publisher"), both, OUTPUTS), Passed)
