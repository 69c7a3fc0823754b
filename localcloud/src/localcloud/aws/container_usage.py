"""How much CPU and memory containers use of what is configured."""

import asyncio
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from localcloud.aws.containers import EngineError

_PERCENT = 100.0
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Measured(Generic[_Key]):
    """A container to measure.

    Attributes:
        key: what the result is known by.
        usage: returns the processor time since the start in nanoseconds, and memory in bytes;
            blocks, and raises EngineError if the container has gone.
        nano_cpus: the configured processors, in billionths.
        memory_bytes: the configured memory.
    """

    key: _Key
    usage: Callable[[], tuple[int, int]]
    nano_cpus: int
    memory_bytes: int


class UsageMeter(Generic[_Key]):
    """Measures containers at intervals."""

    def __init__(self) -> None:
        """Start without a measurement."""
        self._before: dict[_Key, tuple[int, float]] = {}

    async def measure(
        self, containers: Iterable[Measured[_Key]]
    ) -> dict[_Key, tuple[float, float]]:
        """Return CPU and memory in percent of the configuration, from the second time on."""
        before, self._before = self._before, {}
        # At once, because the Engine takes up to a second for each.
        measured = await asyncio.gather(*(self._usage(each) for each in containers))
        usages = {}
        for container, usage in measured:
            if usage is None:
                continue
            cpu, memory, at = usage
            self._before[container.key] = (cpu, at)
            if container.key in before:
                cpu_before, at_before = before[container.key]
                usages[container.key] = utilization(
                    cpu - cpu_before,
                    at - at_before,
                    container.nano_cpus,
                    memory,
                    container.memory_bytes,
                )
        return usages

    async def _usage(
        self, container: Measured[_Key]
    ) -> tuple[Measured[_Key], tuple[int, int, float] | None]:
        try:
            cpu, memory = await asyncio.to_thread(container.usage)
        except EngineError:
            return container, None
        return container, (cpu, memory, asyncio.get_running_loop().time())


def utilization(
    used: float, seconds: float, nano_cpus: int, memory: int, memory_limit: int
) -> tuple[float, float]:
    """Return a container's CPU and memory in percent of its configuration.

    Args:
        used: processor time in the period, in nanoseconds.
        seconds: the period.
        nano_cpus: the configured processors, in billionths.
        memory: memory in use, in bytes.
        memory_limit: the configured memory, in bytes.
    """
    return (
        _PERCENT * used / (seconds * nano_cpus),
        _PERCENT * memory / memory_limit,
    )
