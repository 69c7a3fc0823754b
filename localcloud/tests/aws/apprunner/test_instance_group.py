import asyncio
from dataclasses import replace

import pytest

from aws.apprunner.conftest import CHECK, InstanceGroups, container_of, until
from localcloud.aws.apprunner.instance_group import InstanceError
from localcloud.aws.apprunner.scaling import ScalingLimits


async def test_a_group_starts_with_its_minimum_size(groups: InstanceGroups) -> None:
    group = groups.create(min_size=3, max_size=3)
    await group.start()
    assert len(group.instances) == 3


async def test_the_instance_with_the_fewest_requests_is_chosen(groups: InstanceGroups) -> None:
    group = groups.create(min_size=2, max_size=2, max_concurrency=2)
    await group.start()
    acquired = [group.acquire() for _ in range(4)]
    assert [instance.in_flight for instance in group.instances] == [2, 2]
    assert group.acquire() is None
    assert acquired[0] is not None
    acquired[0].end_request()
    assert group.acquire() is acquired[0]


async def test_an_instance_that_exits_fails_the_start_and_all_are_removed(
    groups: InstanceGroups,
) -> None:
    groups.engine.exits_with = 3
    group = groups.create(min_size=2, max_size=2)
    with pytest.raises(InstanceError, match="Container exit code: 3"):
        await group.start()
    assert group.instances == ()
    await until(
        lambda: all(container_of(server.instance).removed for server in groups.engine.servers)
    )


async def test_an_instance_that_never_becomes_healthy_fails_the_start(
    groups: InstanceGroups,
) -> None:
    groups.engine.healthy_at_start = False
    group = groups.create()
    with pytest.raises(InstanceError, match="Health check failed"):
        await group.start()
    assert container_of(groups.engine.servers[0].instance).removed


async def test_an_engine_error_fails_the_start(groups: InstanceGroups) -> None:
    groups.engine.fails = True
    with pytest.raises(InstanceError, match="could not start an instance: no"):
        await groups.create().start()


async def test_a_healthy_threshold_of_two_takes_an_interval(groups: InstanceGroups) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await groups.create(check=replace(CHECK, healthy_threshold=2)).start()
    assert loop.time() - started >= CHECK.interval


async def test_a_cancelled_start_leaves_no_container(groups: InstanceGroups) -> None:
    groups.engine.healthy_at_start = False
    group = groups.create(check=replace(CHECK, unhealthy_threshold=20))
    starting = asyncio.ensure_future(group.start())
    await until(lambda: groups.engine.servers)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await until(lambda: container_of(groups.engine.servers[0].instance).removed)


async def test_an_instance_that_exits_is_replaced(groups: InstanceGroups) -> None:
    group = groups.create()
    await group.start()
    await groups.engine.servers[0].exit(137)
    await until(lambda: [each.id for each in group.instances] == ["instance-1"])
    assert "Instance instance-0 ended with container exit code 137. Replacing it." in groups.events
    await until(lambda: container_of(groups.engine.servers[0].instance).removed)


async def test_an_instance_that_fails_its_health_check_is_replaced(groups: InstanceGroups) -> None:
    group = groups.create()
    await group.start()
    groups.engine.servers[0].healthy = False
    await until(lambda: [each.id for each in group.instances] == ["instance-1"])
    assert "Instance instance-0 failed its health check. Replacing it." in groups.events


async def test_a_failed_replacement_is_retried(groups: InstanceGroups) -> None:
    group = groups.create()
    await group.start()
    groups.engine.fails = True
    await groups.engine.servers[0].exit()
    await until(lambda: any("could not be started" in event for event in groups.events))
    assert group.instances == ()
    groups.engine.fails = False
    await until(lambda: len(group.instances) == 1)


async def test_instances_follow_the_demand(groups: InstanceGroups) -> None:
    group = groups.create(max_size=3, max_concurrency=1)
    await group.start()
    busy = group.acquire()
    assert busy is not None
    assert group.acquire() is None
    assert group.acquire() is None
    await until(lambda: len(group.instances) == 3)
    busy.end_request()
    await until(lambda: len(group.instances) == 1)
    removed = [server for server in groups.engine.servers if container_of(server.instance).removed]
    await until(lambda: len(removed) <= 2)
    assert "Scaling out from 1 to 3 instances." in groups.events
    assert "Scaling in from 3 to 1 instances." in groups.events


async def test_scaling_in_does_not_interrupt_requests(groups: InstanceGroups) -> None:
    group = groups.create(max_size=2, max_concurrency=1)
    await group.start()
    first = group.acquire()
    assert first is not None
    assert group.acquire() is None
    await until(lambda: len(group.instances) == 2)
    await until(lambda: len(group.instances) == 1)
    assert group.instances == (first,)
    first.end_request()


async def test_new_limits_apply(groups: InstanceGroups) -> None:
    group = groups.create()
    await group.start()
    group.rescale(ScalingLimits(max_concurrency=1, min_size=2, max_size=2))
    await until(lambda: len(group.instances) == 2)


async def test_close_waits_for_requests(groups: InstanceGroups) -> None:
    group = groups.create()
    await group.start()
    busy = group.acquire()
    assert busy is not None
    closing = asyncio.ensure_future(group.close())
    await asyncio.sleep(0.1)
    assert not container_of(busy).removed
    busy.end_request()
    await closing
    assert container_of(busy).stopped_after == 7
    assert container_of(busy).removed
    assert group.acquire() is None
