from components.hosting.environment import server_environment
from tests.components.conftest import MakeSettings


def test_the_servers_environment(make_settings: MakeSettings) -> None:
    settings = make_settings(
        neo4jDatabase="movies",
        readOnly="true",
        logLevel="warning",
        schemaSampleSize="7",
        allowUnauthenticatedToolsList="false",
    )

    assert server_environment(settings) == {
        "NEO4J_MCP_URI": "neo4j+s://0123abcd.databases.neo4j.io",
        "NEO4J_MCP_DATABASE": "movies",
        "NEO4J_MCP_READ_ONLY": "true",
        "NEO4J_MCP_SCHEMA_SAMPLE_SIZE": "7",
        "NEO4J_MCP_TRANSPORT_MODE": "http",
        "NEO4J_MCP_HTTP_HOST": "0.0.0.0",  # noqa: S104  what the container listens on
        "NEO4J_MCP_HTTP_PORT": "8080",
        "NEO4J_MCP_HTTP_ALLOW_UNAUTHENTICATED_PING": "true",
        "NEO4J_MCP_HTTP_ALLOW_UNAUTHENTICATED_TOOLS_LIST": "false",
        "NEO4J_MCP_LOG_LEVEL": "warning",
        "NEO4J_MCP_LOG_FORMAT": "json",
        "NEO4J_MCP_TELEMETRY": "false",
    }


def test_booleans_are_spelled_as_go_parses_them(make_settings: MakeSettings) -> None:
    environment = server_environment(make_settings(readOnly="false"))

    assert environment["NEO4J_MCP_READ_ONLY"] == "false"


def test_the_environment_contains_no_credentials(make_settings: MakeSettings) -> None:
    names = " ".join(server_environment(make_settings()))

    assert "USERNAME" not in names
    assert "PASSWORD" not in names
