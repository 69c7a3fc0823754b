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


class FunctionRuntime:
    """Runs functions; the process starts with the first one."""

    def __init__(self, node: str) -> None:
        """Use a Node command."""
        self._node = node
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def run(self, code: str, event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        """Return what a function returns for an event.

        Raises:
            FunctionError: it failed.
        """
        number = next(self._numbers)
        line = json.dumps({"id": number, "code": code, "event": event}).encode() + b"\n"
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        try:
            process = await self._running()
        except OSError as error:
            raise FunctionError(
                f"{self._node} can't be started ({error}): name a Node command by --node"
            ) from error
        self._waiting[number] = answer
        try:
            if process.stdin is None:
                raise FunctionError("Node has no standard input")
            process.stdin.write(line)
            await process.stdin.drain()
            async with asyncio.timeout(_SECONDS):
                found = await answer
        except TimeoutError:
            await self.close()
            raise FunctionError("Node doesn't answer") from None
        except ConnectionError as error:
            raise FunctionError(f"Node ended: {error}") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in found:
            raise FunctionError(found["error"])
        return found["result"]

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader
            self._reader = None

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                self._process = await asyncio.create_subprocess_exec(
                    self._node,
                    f"--max-old-space-size={_MEGABYTES}",
                    str(_SCRIPT),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=_LONGEST_LINE,
                )
                self._reader = asyncio.create_task(self._read(self._process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stdout is None:
            return
        async for line in process.stdout:
            answer = json.loads(line)
            if (waiting := self._waiting.get(answer["id"])) is not None and not waiting.done():
                waiting.set_result(answer)
        # The process has ended, so nothing that was sent to it will be answered.
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_result({"error": "Node ended"})
