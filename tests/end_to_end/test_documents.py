"""The examples in the documents, run unchanged."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import neo4j
import pytest

from localcloud.cloud import Cloud
from tests.documents import example
from tests.repository import ROOT

pytestmark = pytest.mark.stand_in

_TIMEOUT = 120


def _run(
    command: list[str], environment: dict[str, str], text: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        input=text,
        check=False,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
    )


def test_the_shell_examples_of_the_stand_in(
    shell: dict[str, str], outputs: dict[str, Any], running: Cloud
) -> None:
    script = "\n".join(
        example("docs/stand-in.md", name) for name in ("token", "service", "database")
    )
    done = _run(["bash", "-eu"], shell, script)
    assert done.returncode == 0, done.stderr
    service, characters = done.stdout.splitlines()
    assert service == "neo4j-mcp-local-server RUNNING /healthz"
    assert characters.isdecimal()
    assert outputs["mcpUrl"] not in done.stderr
    assert running.aws_endpoint not in done.stderr


def test_the_direct_driver_example(
    shell: dict[str, str], outputs: dict[str, Any], running: Cloud
) -> None:
    environment = shell | running.environment()
    for client, roles in (("reader", "reader"), ("writer", "publisher reader")):
        found = outputs["clients"][client]
        environment["SECRET_ARN"] = found["secretArn"]
        done = _run([sys.executable], environment, example("docs/aura-sso.md", "direct-driver"))
        assert done.stdout == f"{found['clientId']} PUBLIC {roles}\n", done.stderr


def test_the_emulated_console_example(shell: dict[str, str], outputs: dict[str, Any]) -> None:
    done = _run([sys.executable], shell, example("docs/aura-sso.md", "emulated-console"))
    assert json.loads(done.stdout).items() >= outputs["auraSso"].items(), done.stderr


@pytest.mark.skipif(not shutil.which("jq") or not shutil.which("curl"), reason="needs curl and jq")
def test_the_curl_example(shell: dict[str, str], outputs: dict[str, Any], running: Cloud) -> None:
    arn = outputs["clients"]["reader"]["secretArn"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = shell | running.environment() | {"NEO4J_MCP_SECRET_ARN": arn, "PATH": path}
    done = _run(["sh", "-eu"], environment, example("docs/clients.md", "curl"))
    assert done.returncode == 0, done.stderr
    text = json.loads(done.stdout)["result"]["content"][0]["text"]
    assert json.loads(text) == [{"one": 1}]


def test_the_examples_of_writes_that_can_be_repeated(
    shell: dict[str, str], outputs: dict[str, Any], running: Cloud, administrator: neo4j.Driver
) -> None:
    arn = outputs["clients"]["writer"]["secretArn"]
    environment = shell | running.environment() | {"NEO4J_MCP_SECRET_ARN": arn}
    administrator.execute_query(example("docs/resilience.md", "constraint"))
    administrator.execute_query("CREATE (:Account {id: 'savings', balance: 100})")
    try:
        merged = _run([sys.executable], environment, example("docs/resilience.md", "merge"))
        twice = _run([sys.executable], environment, example("docs/resilience.md", "operation"))
        orders = administrator.execute_query("MATCH (o:Order) RETURN o.id AS id, o.total AS total")
    finally:
        administrator.execute_query("MATCH (n:Order|Account|Operation) DELETE n")
        administrator.execute_query("DROP CONSTRAINT order_id IF EXISTS")
    assert [each.data() for each in orders.records] == [{"id": merged.stdout.strip(), "total": 42}]
    assert twice.stdout == "{'balance': 90}\n", twice.stderr


def test_every_marked_example_is_run() -> None:
    documents = [ROOT / "README.md", *Path(ROOT / "docs").rglob("*.md")]
    marked = {
        name
        for document in documents
        for name in re.findall(r"<!-- example: ([\w-]+) -->", document.read_text(encoding="utf-8"))
    }
    here = {
        "token",
        "service",
        "database",
        "direct-driver",
        "emulated-console",
        "curl",
        "constraint",
        "merge",
        "operation",
    }
    elsewhere = {
        "pulumi": "test_pulumi_cli.py",
        **dict.fromkeys(("move-add", "move-try", "move-switch", "move-finish"), "test_moving.py"),
    }
    assert marked == here | elsewhere.keys()
