"""Every example, as a person runs it: in an environment of its own, against the deployed stack."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloud import Cloud
from localcloud.paths import Home
from neo4j_mcp_client import Neo4jMcp, source_from_arn

pytestmark = pytest.mark.stand_in

EXAMPLES = Path(__file__).resolve().parents[2] / "client" / "examples"
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
    clients = outputs["clients"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment().items():
            patch.setenv(name, value)
        writer = source_from_arn(clients["writer"]["secretArn"])
        bundle = Home(running.home).certificate_bundle
        with Neo4jMcp.from_source(writer, ca_bundle=bundle) as neo4j:
            neo4j.write(
                "UNWIND $people AS person CREATE (:Person {name: person[0], born: person[1]})",
                {"people": PEOPLE},
            )
            yield os.environ | {"NEO4J_MCP_SECRET_ARN": clients["reader"]["secretArn"]}
            neo4j.write("MATCH (p:Person) DETACH DELETE p")


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PRINTED)


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_an_example_prints_what_it_promises(name: str, environment: dict[str, str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "uv", "run", "--quiet", "--script", str(EXAMPLES / name)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert " ".join(ran.stdout.split()) == PRINTED[name]
