"""Work that services do by themselves, such as starting what a schedule says."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

_LOG = logging.getLogger(__name__)

Work = Callable[[], Awaitable[None]]


async def repeat(works: Sequence[Work], *, period: float) -> NoReturn:
    """Do all work once in each period, until cancelled; a failure is logged.

    Args:
        works: the work.
        period: seconds between two rounds.
    """
    while True:
        await asyncio.sleep(period)
        for work in works:
            try:
                await work()
            except Exception:  # the next round must come  # noqa: BLE001
                _LOG.exception("scheduled work failed")
