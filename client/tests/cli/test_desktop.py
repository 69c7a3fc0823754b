import json
import shlex
from typing import Any

import pytest

from neo4j_mcp_client.cli.desktop import CONFIG_LOCATIONS, Agent, configuration

COMMAND = ["/opt/my tools/neo4j-mcp", "bridge", "--profile", "default"]


@pytest.mark.parametrize("agent", [Agent.CLAUDE_DESKTOP, Agent.CURSOR])
def test_the_configuration_of_agents_with_mcp_servers(agent: Agent) -> None:
    document: dict[str, Any] = json.loads(configuration(agent, COMMAND, name="neo4j"))
    assert document == {"mcpServers": {"neo4j": {"command": COMMAND[0], "args": COMMAND[1:]}}}


def test_the_configuration_of_vscode() -> None:
    document: dict[str, Any] = json.loads(configuration(Agent.VSCODE, COMMAND, name="neo4j"))
    assert document == {
        "servers": {"neo4j": {"type": "stdio", "command": COMMAND[0], "args": COMMAND[1:]}}
    }


def test_the_command_of_claude_code() -> None:
    words = shlex.split(configuration(Agent.CLAUDE_CODE, COMMAND, name="neo4j"))
    assert words == ["claude", "mcp", "add", "neo4j", "--", *COMMAND]


def test_every_agent_has_a_place() -> None:
    assert set(CONFIG_LOCATIONS) == set(Agent)
