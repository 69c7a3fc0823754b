"""Writes the configuration with which desktop agents start the bridge. It contains no secret."""

import enum
import json
import shlex
from collections.abc import Sequence
from typing import Any


class Agent(enum.StrEnum):
    """The supported desktop agents."""

    CLAUDE_DESKTOP = "claude-desktop"
    CLAUDE_CODE = "claude-code"
    CURSOR = "cursor"
    VSCODE = "vscode"


CONFIG_LOCATIONS = {
    Agent.CLAUDE_DESKTOP: "claude_desktop_config.json (Settings, Developer, Edit Config)",
    Agent.CLAUDE_CODE: "a shell, in the project's folder",
    Agent.CURSOR: "~/.cursor/mcp.json, or .cursor/mcp.json in a project",
    Agent.VSCODE: ".vscode/mcp.json in a workspace",
}
"""Where to put each agent's configuration."""


def configuration(agent: Agent, command: Sequence[str], *, name: str) -> str:
    """Write an agent's configuration for the bridge.

    Args:
        command: what starts the bridge: an absolute path, because desktop programs have another
            PATH than a shell, and its arguments.
    """
    if agent is Agent.CLAUDE_CODE:
        return shlex.join(["claude", "mcp", "add", name, "--", *command])
    entry: dict[str, Any] = {"command": command[0], "args": list(command[1:])}
    if agent is Agent.VSCODE:
        return json.dumps({"servers": {name: {"type": "stdio", **entry}}}, indent=2)
    return json.dumps({"mcpServers": {name: entry}}, indent=2)
