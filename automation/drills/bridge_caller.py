"""Calls through `neo4j-mcp bridge`, started as a desktop agent starts it.

The bridge needs the MCP SDK, which is no requirement of this package.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

import anyio
from anyio.abc import TaskStatus
from anyio.from_thread import start_blocking_portal
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import TextContent

from neo4j_mcp_client.credentials import SECRET_ARN_VARIABLE

_TOOL: Final = "read-cypher"
_ARGUMENTS: Final = {"query": "RETURN 1 AS one"}
_ROWS: Final = [{"one": 1}]
_LONGEST_END: Final = 30.0


class BridgeError(Exception):
    """The bridge returned an error, or other rows than the query's."""


@contextmanager
def bridge_call(secret_arn: str) -> Iterator[Callable[[], None]]:
    """Start the bridge of a client, and make a call through it.

    Args:
        secret_arn: the client's secret, which the bridge reads.

    Returns:
        The call, for several threads. It raises BridgeError, or the MCP SDK's own exceptions.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        (Path(folder) / "bridge.log").open("w", encoding="utf-8") as log,
        start_blocking_portal() as portal,
    ):
        parameters = StdioServerParameters(
            command=sys.executable,
            args=["-m", "neo4j_mcp_client", "bridge"],
            env={
                **os.environ,
                SECRET_ARN_VARIABLE: secret_arn,
                # Neither the person's profiles nor their list of known servers.
                "XDG_CONFIG_HOME": folder,
                "XDG_CACHE_HOME": folder,
            },
        )
        stop = portal.call(anyio.Event)
        ended, client = portal.start_task(_keep_open, parameters, log, stop)
        try:
            yield lambda: portal.call(_call, client)
        finally:
            portal.call(stop.set)
            ended.result(_LONGEST_END)


async def _keep_open(
    parameters: StdioServerParameters,
    log: TextIO,
    stop: anyio.Event,
    *,
    task_status: TaskStatus[Client],
) -> None:
    """Keep the bridge running until it has to stop."""
    # The older protocol, which today's desktop programs speak.
    async with Client(stdio_client(parameters, errlog=log), mode="legacy") as client:
        task_status.started(client)
        await stop.wait()


async def _call(client: Client) -> None:
    result = await client.call_tool(_TOOL, _ARGUMENTS)
    text = "".join(each.text for each in result.content if isinstance(each, TextContent))
    if result.is_error or json.loads(text) != _ROWS:
        raise BridgeError(text)
