"""Serves the PyPI package mcp-neo4j-cypher over HTTP, for a comparison.

It runs in that package's environment, as the package's own command does, except that:

- it logs on to the database with a caller's token, because a stack has no passwords;
- it listens on a Unix socket, because it lets everybody who reaches it query as that caller.

Standard input has the configuration as a line of JSON, then the current token as a line whenever it
changes. The end of the input ends the server.
"""

import asyncio
import json
import socket
import sys
import threading

import neo4j
import uvicorn
from mcp_neo4j_cypher.server import create_mcp_server
from neo4j.auth_management import AsyncAuthManager
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

_PATH = "/mcp"
_BACKLOG = 1024


class _Token(AsyncAuthManager):
    """The token that the last line of the input has."""

    def __init__(self, current: str) -> None:
        self.current = current

    async def get_auth(self) -> neo4j.Auth:
        return neo4j.bearer_auth(self.current)

    async def handle_security_exception(
        self, auth: tuple[str, str] | neo4j.Auth | None, error: neo4j.exceptions.Neo4jError
    ) -> bool:
        del auth, error
        return False


async def _serve() -> None:
    configuration = json.loads(sys.stdin.readline())
    token = _Token(sys.stdin.readline().strip())
    driver = neo4j.AsyncGraphDatabase.driver(configuration["uri"], auth=token)
    app = create_mcp_server(
        driver, configuration["database"], config_sample_size=configuration["schemaSampleSize"]
    ).http_app(
        path=_PATH,
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=[],
                allow_methods=["GET", "POST"],
                allow_headers=["*"],
            ),
            Middleware(TrustedHostMiddleware, allowed_hosts=["localhost", "127.0.0.1"]),
        ],
    )
    server = uvicorn.Server(
        uvicorn.Config(app, timeout_graceful_shutdown=0, lifespan="on", log_level="warning")
    )

    def follow_input() -> None:
        for line in sys.stdin:
            token.current = line.strip()
        server.should_exit = True

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(configuration["socket"])
        listening.listen(_BACKLOG)
        # Calls that arrive from now on wait until the server accepts them.
        sys.stdout.write(f"{_PATH}\n")
        sys.stdout.flush()
        threading.Thread(target=follow_input, name="input", daemon=True).start()
        async with driver:
            await server.serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(_serve())
