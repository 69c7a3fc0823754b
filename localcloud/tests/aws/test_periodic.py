import asyncio
import contextlib

from localcloud.aws.periodic import repeat


async def test_work_is_repeated_after_a_failure_and_until_cancelled() -> None:
    rounds: list[str] = []
    enough = asyncio.Event()

    async def fail() -> None:
        rounds.append("fail")
        raise ValueError("broken")

    async def succeed() -> None:
        rounds.append("succeed")
        if len(rounds) >= 4:
            enough.set()

    repeating = asyncio.create_task(repeat([fail, succeed], period=0))
    async with asyncio.timeout(10):
        await enough.wait()
    repeating.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await repeating
    assert rounds[:4] == ["fail", "succeed", "fail", "succeed"]
    assert repeating.cancelled()
