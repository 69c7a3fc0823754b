"""The command line, logged in to the deployed stack as its reader."""

import json
from pathlib import Path
from typing import Any

import pytest

from client.tests.command import Command, command_of
from localcloud.cloud import Cloud


@pytest.fixture
def command(running: Cloud, outputs: dict[str, Any], tmp_path: Path) -> Command:
    """The command line, logged in."""
    command = command_of(tmp_path, running.environment())
    text = json.dumps(outputs)
    logged_in = command("login", "--outputs", "-", "--client", "reader", text=text)
    assert logged_in.status == 0, logged_in.messages
    return command
