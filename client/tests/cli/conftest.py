"""The command line, logged in to the tests' servers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from client.tests.conftest import CLIENT_ID, CLIENT_SECRET, SCOPE
from client.tests.site import Site
from neo4j_mcp_client import ClientCredentials
from neo4j_mcp_client.cli.app import app
from neo4j_mcp_client.cli.profiles import Profiles

Run = Callable[..., Result]


@pytest.fixture
def credentials(endpoint: Site, server: Site) -> ClientCredentials:
    return ClientCredentials(
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        token_url=endpoint.url,
        scopes=(SCOPE,),
        mcp_url=server.url,
    )


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in this process, with separate folders and a clean environment."""
    for name in ("NEO4J_MCP_PROFILE", "NEO4J_MCP_CLIENT_ID", "NEO4J_URI", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: str, text: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=text, prog_name="neo4j-mcp")

    return call


@pytest.fixture
def logged_in(run: Run, credentials: ClientCredentials) -> Run:
    """Runs a command with a profile that holds the secret."""
    ended = run("login", "--credentials", "-", text=credentials.to_json())
    assert ended.exit_code == 0, ended.output
    return run


@pytest.fixture
def profiles(run: Run) -> Profiles:  # noqa: ARG001 - the folders are run's
    return Profiles()


def document(result: Result) -> Any:  # noqa: ANN401 - any JSON
    """Parse a command's JSON output."""
    return json.loads(result.stdout)
