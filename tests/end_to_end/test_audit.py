"""An audit of what the tests' callers do on the stand-in cloud."""

import datetime as dt
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from automation.audit.sources import read_audit
from automation.commands import app
from automation.deployment import Deployment
from automation.hosting.host import aws_of
from automation.rotation.clients import find_clients
from components.names import ResourceNames
from demo.stand_in import read_credentials
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from neo4j_mcp_client import Neo4jMcp
from tests.waiting import read_until

pytestmark = pytest.mark.stand_in

# The log receives a function's lines shortly after the function has ended.
_SECONDS = 20.0
_CLAIMS_FUNCTION = ResourceNames(prefix="neo4j-mcp", stack=STACK).claims_function


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def test_an_audit_names_who_got_a_token_and_who_read_the_secret(
    running: Cloud, deployed: Deployment, outputs: dict[str, Any], pipeline: dict[str, str]
) -> None:
    clients = find_clients(outputs, STACK)
    (reader,) = (each for each in clients if each.name == "reader")
    # CloudTrail's times have no fractions of a second.
    since = _now().replace(microsecond=0)
    aws = aws_of(deployed.aws_clients())

    credentials = read_credentials(running, reader.secret_arn)
    bundle = str(Home(running.home).certificate_bundle)
    with Neo4jMcp(str(credentials.mcp_url), credentials, ca_bundle=bundle) as neo4j:
        assert neo4j.read("RETURN 1 AS one") == [{"one": 1}]

    found = read_until(
        lambda: read_audit(STACK, clients, _CLAIMS_FUNCTION, aws, since, _now()),
        lambda audit: audit.tokens and audit.reads,
        _SECONDS,
    )
    assert found.unread == {}
    assert {(each.client, each.client_id, each.groups) for each in found.tokens} == {
        ("reader", reader.client_id, ("reader",))
    }
    (read,) = found.reads
    assert (read.client, read.error) == ("reader", "")
    assert read.caller == aws("sts", "get_caller_identity")["Arn"]
    assert "Boto3" in read.agent

    done = CliRunner().invoke(
        app, ["audit", "--stack", STACK, "--since", "1h", "--json"], env=pipeline
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert reader.client_id in {each["clientId"] for each in document["tokens"]}
    assert "eyJ" not in done.output
    assert credentials.client_secret not in done.output
