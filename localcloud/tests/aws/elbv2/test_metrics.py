import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

import aiohttp

from aws.elbv2.conftest import Cloud
from localcloud.aws.context import ServiceContext
from localcloud.aws.elbv2.reporter import LoadBalancerReporter

CONTEXT = ServiceContext(region="us-east-1", account_id="000000000000", clock=lambda: 1.7e9)


class Metrics:
    """Records what is sent to CloudWatch."""

    def __init__(self) -> None:
        self.data: list[dict[str, Any]] = []

    async def put(self, namespace: str, data: Sequence[dict[str, Any]]) -> None:
        assert namespace == "AWS/ApplicationELB"
        self.data += data

    def values(self, *dimensions: str) -> dict[str, float]:
        """Return the metrics with exactly these dimensions."""
        return {
            datum["MetricName"]: datum.get("Value", sum(datum.get("Counts", [])))
            for datum in self.data
            if {each["Name"] for each in datum["Dimensions"]} == set(dimensions)
        }


async def test_requests_and_targets_are_reported(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    for index in range(2):
        await cloud.healthy(group, await cloud.server(), f"10.0.0.{index}")
    for _ in range(6):
        async with client.get(cloud.url(load_balancer)) as response:
            await response.read()
    metrics = Metrics()
    reporter = LoadBalancerReporter(cloud.service, metrics.put, CONTEXT)
    await reporter.report(CONTEXT.now())
    assert metrics.values("LoadBalancer") == {
        "RequestCount": 6,
        "HTTPCode_Target_2XX_Count": 6,
        "TargetResponseTime": 6,
    }
    assert metrics.values("TargetGroup") == {"RequestCountPerTarget": 3}
    both = metrics.values("TargetGroup", "LoadBalancer")
    assert (both["HealthyHostCount"], both["UnHealthyHostCount"]) == (2, 0)
    metrics.data.clear()
    await reporter.report(CONTEXT.now())
    assert metrics.values("LoadBalancer") == {"RequestCount": 0}
    assert metrics.values("TargetGroup") == {"RequestCountPerTarget": 0}


async def test_the_load_balancers_own_responses_are_reported(
    cloud: Cloud, client: aiohttp.ClientSession
) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    async with client.get(cloud.url(load_balancer)) as response:
        assert response.status == 503
    metrics = Metrics()
    await LoadBalancerReporter(cloud.service, metrics.put, CONTEXT).report(CONTEXT.now())
    assert metrics.values("LoadBalancer") == {
        "RequestCount": 1,
        "HTTPCode_ELB_5XX_Count": 1,
        "HTTPCode_ELB_503_Count": 1,
    }


async def test_reporting_continues_after_a_failure(cloud: Cloud) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    attempts = 0
    repeated = asyncio.Event()

    async def put(_namespace: str, _data: Sequence[dict[str, Any]]) -> None:
        nonlocal attempts
        attempts += 1
        if attempts > 1:
            repeated.set()
        raise OSError

    reporter = LoadBalancerReporter(cloud.service, put, CONTEXT)
    reporting = asyncio.ensure_future(reporter.report_regularly(0.01))
    async with asyncio.timeout(10):
        await repeated.wait()
    reporting.cancel()


async def test_a_delayed_report_leaves_no_period_without_data(cloud: Cloud) -> None:
    load_balancer, group = await cloud.load_balancer(), await cloud.group()
    await cloud.listener(load_balancer, group)
    times: list[float] = []
    enough = asyncio.Event()

    async def put(_namespace: str, data: Sequence[dict[str, Any]]) -> None:
        times.append(data[0]["Timestamp"].timestamp())
        if len(times) == 1:
            await asyncio.sleep(0.3)
        if len(times) > 5:
            enough.set()

    reporter = LoadBalancerReporter(cloud.service, put, CONTEXT)
    reporting = asyncio.ensure_future(reporter.report_regularly(0.05))
    async with asyncio.timeout(10):
        await enough.wait()
    reporting.cancel()
    pauses = [round(after - before, 3) for before, after in itertools.pairwise(times)]
    assert set(pauses) == {0.05}
