"""A desktop agent: the MCP SDK's client, talking to the bridge over stdin and stdout."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import mcp_types as types
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from client.tests.command import Command


class Agent(Client):
    """The SDK's client, which notes the notification that tools have changed."""

    tools_changed: asyncio.Event


def text_of(result: types.CallToolResult) -> str:
    return "".join(each.text for each in result.content if isinstance(each, types.TextContent))


@asynccontextmanager
async def agent(
    command: Command,
    folder: Path,
    *options: str,
    # What today's desktop programs speak.
    mode: Literal["legacy", "auto"] = "legacy",
) -> AsyncIterator[Agent]:
    """Start the bridge as a desktop agent does, and talk to it."""
    program, *arguments = command.program
    parameters = StdioServerParameters(
        command=program, args=[*arguments, "bridge", *options], env=dict(command.environment)
    )
    changed = asyncio.Event()

    async def note(message: Any) -> None:  # noqa: ANN401 - the SDK's union of messages
        if isinstance(message, types.ToolListChangedNotification):
            changed.set()

    with (folder / "bridge.log").open("a", encoding="utf-8") as log:
        transport = stdio_client(parameters, errlog=log)
        client = Agent(transport, mode=mode, message_handler=note)
        client.tools_changed = changed
        async with client:
            yield client
