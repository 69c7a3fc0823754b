"""A desktop agent: the MCP SDK's client, talking to the bridge over stdin and stdout."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import mcp_types as types
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.client.command import Command


def text_of(result: types.CallToolResult) -> str:
    return "".join(each.text for each in result.content if isinstance(each, types.TextContent))


@asynccontextmanager
async def agent(command: Command, folder: Path) -> AsyncIterator[Client]:
    """Start the bridge as a desktop agent does, and talk to it."""
    program, *arguments = command.program
    parameters = StdioServerParameters(
        command=program, args=[*arguments, "bridge"], env=dict(command.environment)
    )
    with (folder / "bridge.log").open("w", encoding="utf-8") as log:
        async with Client(stdio_client(parameters, errlog=log)) as client:
            yield client
