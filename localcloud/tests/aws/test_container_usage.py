"""How much CPU and memory containers use."""

import pytest

from localcloud.aws.container_usage import Measured, UsageMeter, utilization
from localcloud.aws.containers import EngineError


def test_utilization_is_in_percent_of_the_configuration() -> None:
    cpu, memory = utilization(
        used=500_000_000, seconds=2, nano_cpus=250_000_000, memory=256, memory_limit=512
    )
    assert cpu == pytest.approx(100)
    assert memory == pytest.approx(50)


async def test_a_container_is_measured_from_the_second_time_on() -> None:
    def gone() -> tuple[int, int]:
        raise EngineError("gone")

    meter: UsageMeter[str] = UsageMeter()
    running = Measured(key="a", usage=lambda: (0, 256), nano_cpus=1, memory_bytes=512)
    containers = [running, Measured(key="b", usage=gone, nano_cpus=1, memory_bytes=1)]
    assert await meter.measure(containers) == {}
    assert await meter.measure(containers) == {"a": (0, 50)}
    assert await meter.measure([]) == {}
    assert await meter.measure(containers) == {}
