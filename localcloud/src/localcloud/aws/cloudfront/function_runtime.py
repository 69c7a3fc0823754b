"""Runs CloudFront functions in one Node process, which ends with this one."""

import asyncio
import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_SCRIPT: Final = Path(__file__).with_name("function_runtime.js")
_LONGEST_LINE: Final = 16 * 1024 * 1024
_MEGABYTES: Final = 128
_SECONDS: Final = 10.0


class FunctionError(Exception):
    """A function raised an error, ran for too long, or returned nothing."""


class _Node:
    """A running Node process, and the invocations that wait for it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    async def ask(self, number: int, line: bytes) -> dict[str, Any]:
        """Send a line, and wait for the answer with its number."""
        if self._process.stdin is None:
            raise FunctionError("Node has no standard input")
        # uvloop's pipes raise RuntimeError then.
        if self._process.stdin.is_closing():
            raise ConnectionResetError("its standard input is closed")
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._process.stdin.write(line)
            await self._process.stdin.drain()
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def end(self) -> None:
        if self.is_running:
            self._process.kill()
        await self._process.wait()
        await self._reader

    async def _read(self) -> None:
        if self._process.stdout is None:
            return
        async for line in self._process.stdout:
            answer = json.loads(line)
            if (waiting := self._waiting.get(answer["id"])) is not None and not waiting.done():
                waiting.set_result(answer)
        # The process has ended, so nothing that was sent to it will be answered.
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result({"error": "Node ended"})


class FunctionRuntime:
    """Runs functions; the process starts with the first one."""

    def __init__(self, node: str, *, time_limit: float = _SECONDS) -> None:
        """Use a Node command.

        Args:
            node: the command.
            time_limit: seconds in which it must answer; it limits a function itself.
        """
        self._command = node
        self._time_limit = time_limit
        self._node: _Node | None = None
        self._starting = asyncio.Lock()
        self._numbers = itertools.count()

    async def run(self, code: str, event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        """Return what a function returns for an event.

        Raises:
            FunctionError: it failed.
        """
        number = next(self._numbers)
        line = json.dumps({"id": number, "code": code, "event": event}).encode() + b"\n"
        try:
            node = await self._running()
        except OSError as error:
            raise FunctionError(
                f"{self._command} can't be started ({error}): name a Node command by --node"
            ) from error
        try:
            async with asyncio.timeout(self._time_limit):
                found = await node.ask(number, line)
        except TimeoutError:
            # The next function gets a new process.
            if self._node is node:
                self._node = None
            await node.end()
            raise FunctionError("Node doesn't answer") from None
        except ConnectionError as error:
            raise FunctionError(f"Node ended: {error}") from error
        if "error" in found:
            raise FunctionError(found["error"])
        return found["result"]

    async def close(self) -> None:
        """End the process."""
        node, self._node = self._node, None
        if node is not None:
            await node.end()

    async def _running(self) -> _Node:
        async with self._starting:
            if self._node is None or not self._node.is_running:
                self._node = _Node(
                    await asyncio.create_subprocess_exec(
                        self._command,
                        f"--max-old-space-size={_MEGABYTES}",
                        str(_SCRIPT),
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        limit=_LONGEST_LINE,
                    )
                )
            return self._node
