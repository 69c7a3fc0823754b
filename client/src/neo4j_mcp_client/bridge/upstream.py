"""The bridge's connection to the deployed server: one POST per call, with the library."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from neo4j_mcp_client import calls
from neo4j_mcp_client.async_client import AsyncNeo4jMcp
from neo4j_mcp_client.bridge.catalogue import Catalogue
from neo4j_mcp_client.calls import Reply
from neo4j_mcp_client.errors import ConfigurationError, Neo4jMcpError
from neo4j_mcp_client.tool_failures import tool_failure
from neo4j_mcp_client.version import __version__

_MOST_PAGES = 50


@dataclass(frozen=True, kw_only=True)
class Target:
    """The server in the user's profile or environment, before the first request.

    Attributes:
        names: the server's known names, such as its URL; may be empty.
        connect: reads the credentials and creates a client. It may block, and may fail for a
            reason that the user can fix while the bridge runs.
        doctor_command: the command that checks every hop to the server.
    """

    names: tuple[str, ...]
    connect: Callable[[], AsyncNeo4jMcp]
    doctor_command: str


class Upstream:
    """The deployed server. The client is created with the first request for which that succeeds."""

    def __init__(self, target: Target) -> None:
        """Set the target; nothing is read or sent yet."""
        self._target = target
        self._opening = asyncio.Lock()
        self._client: AsyncNeo4jMcp | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The server's known names."""
        known = self._target.names
        return known if self._client is None else tuple(dict.fromkeys((*known, self._client.url)))

    @property
    def doctor_command(self) -> str:
        """The command that checks every hop to the server."""
        return self._target.doctor_command

    async def describe(self) -> Catalogue:
        """Fetch the server's instructions and tools.

        Raises:
            Neo4jMcpError: a hop failed.
        """
        client = await self._open()
        # First, because it makes the server check what the database supports.
        introduction = await client.send(_request("initialize", _INTRODUCTION))
        tools: list[Mapping[str, Any]] = []
        params: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            page = await client.send(_request("tools/list", params))
            tools += page.get("tools", [])
            if not page.get("nextCursor"):
                break
            params = {"cursor": page["nextCursor"]}
        return Catalogue(
            instructions=str(introduction.get("instructions") or ""), tools=tuple(tools)
        )

    async def call_tool(self, name: str, arguments: Mapping[str, Any] | None) -> dict[str, Any]:
        """Call a tool. The result of a failed tool ends with the remedy.

        Raises:
            Neo4jMcpError: a hop failed, or the server has no such tool.
        """
        client = await self._open()
        read = _ResultReader()
        try:
            return await client.send(calls.call_tool(name, arguments, read=read))
        except Neo4jMcpError as error:
            if error is not read.failure:
                raise
            remedy = {"type": "text", "text": error.remedy}
            return read.result | {"content": [*read.result["content"], remedy]}

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

    async def _open(self) -> AsyncNeo4jMcp:
        async with self._opening:
            if self._client is None:
                try:
                    self._client = await asyncio.to_thread(self._target.connect)
                except Neo4jMcpError:
                    raise
                except Exception as error:
                    # The agent shows it to the user, and the bridge keeps running.
                    raise ConfigurationError(f"{type(error).__name__}: {error}") from error
            return self._client


@dataclass
class _ResultReader:
    """Parses a tool's result, and raises a failed one for the retries while keeping it."""

    failure: Neo4jMcpError | None = None
    result: dict[str, Any] = field(default_factory=dict)

    def __call__(self, reply: Reply) -> dict[str, Any]:
        self.result = calls.parse_result(reply)
        text = calls.result_text(reply, self.result)
        self.failure = tool_failure(text) if self.result.get("isError") else None
        if self.failure is not None:
            raise self.failure
        return self.result


_INTRODUCTION: Mapping[str, Any] = {
    "protocolVersion": calls.PROTOCOL_VERSION,
    "capabilities": {},
    "clientInfo": {"name": "neo4j-mcp bridge", "version": __version__},
}


def _request(method: str, params: Mapping[str, Any]) -> calls.Call[dict[str, Any]]:
    return calls.request(method, params, read=calls.parse_result, read_only=True)
