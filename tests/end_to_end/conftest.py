import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import neo4j
import pytest

from automation.deployment import Deployment
from automation.target import checked_context
from localcloud.cloud import Cloud
from localcloud.console import connect_aura
from localcloud.paths import Home
from localcloud.workspace import STACK, read_config, write_config
from tests.end_to_end.breakage import World
from tests.stand_in import Aws


@pytest.fixture
def pipeline(running: Cloud) -> dict[str, str]:
    """The environment of a shell after `make env`."""
    command = str(Home(running.home).engine_command.parent)
    path = f"{command}{os.pathsep}{os.environ['PATH']}"
    return os.environ | running.environment() | {"PATH": path, "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def administrator(running: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[neo4j.Driver]:
    """A connection to the database as its administrator."""
    monkeypatch.setenv("SSL_CERT_FILE", str(Home(running.home).certificate_bundle))
    known = json.loads(running.console_credentials.read_text(encoding="utf-8"))
    auth = (known["username"], known["password"])
    with neo4j.GraphDatabase.driver(running.bolt_uri, auth=auth) as driver:
        yield driver


@pytest.fixture(scope="module")
def world(
    running: Cloud, deployed: Deployment, outputs: dict[str, Any], aws: Aws
) -> Iterator[World]:
    """The deployed stack as the checks and the drills see it."""
    assert outputs
    with as_after_make_env(running, deployed, aws) as world:
        yield world


@pytest.fixture(scope="module")
def edge_world(
    running: Cloud, deployed: Deployment, outputs: dict[str, Any], aws: Aws
) -> Iterator[World]:
    """The deployed stack with the edge, which is removed after the module's tests."""
    assert outputs
    workspace = Home(running.home).workspace
    before = read_config(workspace)
    try:
        edge = {
            "neo4j-mcp:accessLogs": True,
            "neo4j-mcp:edge": True,
            "neo4j-mcp:edgeRequestsPerIp": 1_000_000,
        }
        write_config(workspace, before | edge)
        deployed.up()
        with as_after_make_env(running, deployed, aws) as world:
            yield world
    finally:
        write_config(workspace, before)
        deployed.up()


@contextmanager
def with_monitoring(
    running: Cloud, deployed: Deployment, aws: Aws, monitoring: Mapping[str, Any]
) -> Iterator[World]:
    """Deploy the stack with monitoring, which is removed at the end.

    The database doesn't know the canary yet.

    Args:
        running: the cloud.
        deployed: the stack.
        aws: makes AWS's clients.
        monitoring: the value of the setting.
    """
    workspace = Home(running.home).workspace
    before = read_config(workspace)
    try:
        write_config(workspace, before | {"neo4j-mcp:monitoring": monitoring})
        deployed.up()
        with as_after_make_env(running, deployed, aws) as world:
            yield world
    finally:
        write_config(workspace, before)
        deployed.up()
        connect_aura(running, deployed.outputs()["auraSso"])


@contextmanager
def as_after_make_env(running: Cloud, deployed: Deployment, aws: Aws) -> Iterator[World]:
    """Show the deployed stack as the checks see it in a shell after `make env`."""
    with pytest.MonkeyPatch.context() as patch:
        # Nothing but what `make env` prints.
        for name, value in running.environment().items():
            patch.setenv(name, value)
        context = checked_context(deployed, STACK, longest_wait=0, interleavings=400)
        world = World(context=context, running=running, aws=aws)
        world.wait_for_rotations()
        yield world
