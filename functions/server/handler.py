"""What Lambda calls: passes a function URL's request on to the server.

The server is started while Lambda initialises an environment, and serves every request that Lambda
sends to this environment, one at a time.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from functions.server import events
from functions.server.process import (
    NoAnswerError,
    ServerProcess,
    ServerSettings,
    ServerStartError,
)

HEALTH_EVENT: Final = {"check": "health"}
"""Asks whether the server answers. No request to the function URL makes such an event."""
_HEALTH: Final = events.Request(method="GET", target="/healthz", headers=(), body=b"")


class UnhealthyError(Exception):
    """The server runs, but its health check fails."""


def server_environment(environment: Mapping[str, str], files: Path) -> dict[str, str]:
    """Return the server's environment: its own settings, and the files of the package.

    The function's other variables, such as its AWS credentials, are no business of the server's.

    Args:
        environment: the function's environment.
        files: the folder of the package.
    """
    settings = {name: value for name, value in environment.items() if name.startswith("NEO4J_MCP_")}
    return {
        **settings,
        "SSL_CERT_FILE": str(files / "ca-certificates.crt"),
        "ZONEINFO": str(files / "zoneinfo.zip"),
    }


def respond(server: ServerProcess, event: Mapping[str, Any]) -> dict[str, Any]:
    """Pass an event's request on to the server, and return the function's result.

    Raises:
        ValueError: the event isn't a function URL's.
        ServerStartError: the server ended and can't be started again.
    """
    request = events.read_event(event)
    try:
        response = server.send(request)
    except NoAnswerError as error:
        _log("no answer", reason=str(error), running=server.pid is not None)
        response = events.unanswered()
    try:
        return events.result_of(response)
    except events.TooLargeError as error:
        _log("answer too large", bytes=error.size)
        return events.result_of(events.oversized(request, error.size))


def check_health(server: ServerProcess) -> dict[str, Any]:
    """Require that the server answers its health check, and return what to report.

    Raises:
        UnhealthyError: it answers with another status than 200.
        ServerError: it can't be started, or doesn't answer.
    """
    status = server.send(_HEALTH).status
    if status != HTTPStatus.OK:
        raise UnhealthyError(f"the server answers its health check with HTTP {status}")
    return {"healthy": True}


def _log(message: str, **details: object) -> None:
    # One line of the function's log, as the server's own lines are.
    sys.stdout.write(json.dumps({"message": message, **details}) + "\n")
    sys.stdout.flush()


def _started() -> ServerProcess:
    files = Path(__file__).resolve().parents[2]
    server = ServerProcess(
        ServerSettings(
            program=files / "neo4j-mcp-server",
            environment=server_environment(os.environ, files),
        )
    )
    began = time.monotonic()
    try:
        server.start()
    except ServerStartError as error:
        # The next invocation tries again; this one's log has the reason.
        _log("server not started", reason=str(error))
        raise
    _log("server started", milliseconds=round(1000 * (time.monotonic() - began)))
    return server


# Lambda sets it in every environment; without it, this module is only imported.
_SERVER = _started() if "AWS_LAMBDA_FUNCTION_NAME" in os.environ else None


def handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a request to the function URL, or check the server's health.

    An error is Lambda's failure of the invocation, so a deployment that checks a new version fails.

    Raises:
        ValueError: the event is neither.
        UnhealthyError: the server's health check fails.
        ServerError: the server ended and can't be started again.
        RuntimeError: the module was imported outside Lambda.
    """
    if _SERVER is None:
        raise RuntimeError("AWS_LAMBDA_FUNCTION_NAME isn't set, so the server wasn't started")
    return check_health(_SERVER) if event == HEALTH_EVENT else respond(_SERVER, event)
