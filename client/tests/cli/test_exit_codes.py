import inspect

from neo4j_mcp_client import Neo4jMcpError, TimeLimitError, errors
from neo4j_mcp_client.cli.exit_codes import MEANINGS, ExitCode, exit_code_of
from neo4j_mcp_client.errors import Hop


def kinds() -> list[type[Neo4jMcpError]]:
    return [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, Neo4jMcpError) and kind is not Neo4jMcpError
    ]


def test_every_failure_has_a_status_of_its_family() -> None:
    found = {kind.__name__: exit_code_of(kind.__new__(kind, "")) for kind in kinds()}
    assert found == {
        "ConfigurationError": ExitCode.CONFIGURATION,
        "ParameterError": ExitCode.USAGE,
        "SecretStoreError": ExitCode.CONFIGURATION,
        "NetworkError": ExitCode.NETWORK,
        "TlsError": ExitCode.NETWORK,
        "CertificateRuleError": ExitCode.NETWORK,
        "TokenRequestError": ExitCode.TOKEN,
        "InvalidClientError": ExitCode.TOKEN,
        "InvalidScopeError": ExitCode.TOKEN,
        "ClientDisabledError": ExitCode.TOKEN,
        "TokenEndpointUnavailableError": ExitCode.TOKEN,
        "UnauthorizedError": ExitCode.REFUSED,
        "TokenExpiredError": ExitCode.REFUSED,
        "TokenRejectedError": ExitCode.REFUSED,
        "ForbiddenError": ExitCode.REFUSED,
        "ToolError": ExitCode.QUERY,
        "ToolNotFoundError": ExitCode.QUERY,
        "CypherError": ExitCode.QUERY,
        "DatabaseUnavailableError": ExitCode.NETWORK,
        "TimeLimitError": ExitCode.TIME_LIMIT,
        "ServerError": ExitCode.NETWORK,
    }


def test_a_time_limit_has_its_own() -> None:
    error = TimeLimitError("too long", limit=60.0, hop=Hop.SERVER)
    assert exit_code_of(error) == 8


def test_every_status_is_explained() -> None:
    assert set(MEANINGS) == set(ExitCode)
