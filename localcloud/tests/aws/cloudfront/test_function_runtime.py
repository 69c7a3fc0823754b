import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localcloud.aws.cloudfront.function_runtime import FunctionError, FunctionRuntime
from localcloud.progress import Progress
from localcloud.toolchains import ensure_node

pytestmark = pytest.mark.program


@pytest.fixture
async def runtime() -> AsyncIterator[FunctionRuntime]:
    started = FunctionRuntime(str(ensure_node(Progress())))
    yield started
    await started.close()


def function(body: str) -> str:
    return f"function handler(event) {{ {body} }}"


async def test_a_function_returns_its_result(runtime: FunctionRuntime) -> None:
    code = function(
        "event.seen = [Math.max(1, 2), Buffer.from('a').toString('hex')]; return event;"
    )

    assert await runtime.run(code, {"a": "ä"}) == {"a": "ä", "seen": [2, "61"]}


async def test_an_asynchronous_function_returns_its_result(runtime: FunctionRuntime) -> None:
    code = "async function handler(event) { return await Promise.resolve(event); }"

    assert await runtime.run(code, {"a": 1}) == {"a": 1}


async def test_invocations_share_nothing(runtime: FunctionRuntime) -> None:
    code = "let count = 0;" + function("count += 1; globalThis.all = count; return count;")

    results = await asyncio.gather(*(runtime.run(code, {"number": each}) for each in range(20)))

    assert results == [1] * 20


@pytest.mark.parametrize(
    "name",
    ["process", "require", "URL", "TextDecoder", "atob", "setTimeout", "fetch", "WebAssembly"],
)
async def test_a_function_has_no_names_of_node(runtime: FunctionRuntime, name: str) -> None:
    assert await runtime.run(function(f"return typeof {name};"), {}) == "undefined"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("throw new Error('the reason');", "the reason"),
        ("return undefined;", "returned nothing"),
        ("return eval('1');", "Code generation"),
        ("while (true) {}", "timed out"),
        ("return new Promise(() => {});", "returned nothing"),
    ],
)
async def test_a_function_that_fails_raises(
    runtime: FunctionRuntime, body: str, message: str
) -> None:
    with pytest.raises(FunctionError, match=message):
        await runtime.run(function(body), {})
    # The next one isn't affected.
    assert await runtime.run(function("return 1;"), {}) == 1


async def test_code_without_a_handler_raises(runtime: FunctionRuntime) -> None:
    with pytest.raises(FunctionError, match="handler"):
        await runtime.run("const a = 1;", {})
    with pytest.raises(FunctionError, match="SyntaxError"):
        await runtime.run("function handler(", {})


async def test_node_that_is_missing_is_named() -> None:
    with pytest.raises(FunctionError, match=r"/nonexistent/node can't be started.*--node"):
        await FunctionRuntime("/nonexistent/node").run(function("return 1;"), {})


async def test_a_command_that_does_not_answer_is_replaced(tmp_path: Path) -> None:
    command = tmp_path / "node"
    command.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        "first = pathlib.Path(sys.argv[0]).with_name('first')\n"
        "silent = not first.exists()\n"
        "first.touch()\n"
        "for line in sys.stdin:\n"
        "    if not silent:\n"
        "        answer = {'id': json.loads(line)['id'], 'result': 1}\n"
        "        print(json.dumps(answer), flush=True)\n"
    )
    command.chmod(0o700)
    runtime = FunctionRuntime(str(command), time_limit=1)

    async def result() -> object:
        while True:
            try:
                return await runtime.run("", {})
            except FunctionError:
                # A busy machine may need longer than the limit to start the next one.
                continue

    try:
        async with asyncio.timeout(60):
            assert await asyncio.gather(*(result() for _ in range(3))) == [1, 1, 1]
    finally:
        await runtime.close()
