"""The server's whole configuration: its environment variables. Pure."""

from components.settings import StackSettings

PORT = 8080
HEALTH_PATH = "/healthz"
"""The path that answers without a token while the server runs."""


def server_environment(settings: StackSettings) -> dict[str, str]:
    """Return the server's environment variables.

    Without username and password: in HTTP mode the server refuses to start with them, and every
    request brings its own token. Telemetry is off, because the server sends it while callers wait.

    Source: the server's own --help, release 1.6.
    """
    return {
        "NEO4J_MCP_URI": settings.neo4j_uri,
        "NEO4J_MCP_DATABASE": settings.neo4j_database,
        "NEO4J_MCP_READ_ONLY": _boolean(value=settings.read_only),
        "NEO4J_MCP_SCHEMA_SAMPLE_SIZE": str(settings.schema_sample_size),
        "NEO4J_MCP_TRANSPORT_MODE": "http",
        "NEO4J_MCP_HTTP_HOST": "0.0.0.0",  # noqa: S104  the host connects from outside
        "NEO4J_MCP_HTTP_PORT": str(PORT),
        "NEO4J_MCP_HTTP_ALLOW_UNAUTHENTICATED_PING": _boolean(
            value=settings.allow_unauthenticated_ping
        ),
        "NEO4J_MCP_HTTP_ALLOW_UNAUTHENTICATED_TOOLS_LIST": _boolean(
            value=settings.allow_unauthenticated_tools_list
        ),
        "NEO4J_MCP_LOG_LEVEL": settings.log_level,
        "NEO4J_MCP_LOG_FORMAT": "json",
        "NEO4J_MCP_TELEMETRY": "false",
    }


def _boolean(*, value: bool) -> str:
    return "true" if value else "false"
