import asyncio
from dataclasses import replace

import pytest

from aws.apprunner.conftest import CHECK, InstanceGroups, container_of, until
from localcloud.aws.apprunner.instance_group import InstanceError
from localcloud.aws.apprunner.scaling import ScalingLimits


async def test_it_starts_with_its_minimum(groups: InstanceGroups) -> None:
    group = groups.make(min_size=3, max_size=3)
    await group.start()
    assert len(group.instances) == 3


async def test_requests_go_where_the_fewest_are(groups: InstanceGroups) -> None:
    group = groups.make(min_size=2, max_size=2, max_concurrency=2)
    await group.start()
    taken = [group.take() for _ in range(4)]
    assert [instance.in_flight for instance in group.instances] == [2, 2]
    assert group.take() is None
    assert taken[0] is not None
    taken[0].end_request()
    assert group.take() is taken[0]


async def test_one_that_exits_fails_the_start_and_all_are_gone(groups: InstanceGroups) -> None:
    groups.engine.exits_with = 3
    group = groups.make(min_size=2, max_size=2)
    with pytest.raises(InstanceError, match="Container exit code: 3"):
        await group.start()
    assert group.instances == ()
    await until(
        lambda: all(container_of(server.instance).removed for server in groups.engine.servers)
    )


async def test_one_that_is_never_healthy_fails_the_start(groups: InstanceGroups) -> None:
    groups.engine.born_healthy = False
    group = groups.make()
    with pytest.raises(InstanceError, match="Health check failed"):
        await group.start()
    assert container_of(groups.engine.servers[0].instance).removed


async def test_an_engine_that_refuses_fails_the_start(groups: InstanceGroups) -> None:
    groups.engine.refuses = True
    with pytest.raises(InstanceError, match="could not start an instance: no"):
        await groups.make().start()


async def test_healthy_thresholds_take_their_time(groups: InstanceGroups) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await groups.make(check=replace(CHECK, healthy_threshold=2)).start()
    assert loop.time() - started >= CHECK.interval


async def test_a_cancelled_start_leaves_no_container(groups: InstanceGroups) -> None:
    groups.engine.born_healthy = False
    group = groups.make(check=replace(CHECK, unhealthy_threshold=20))
    starting = asyncio.ensure_future(group.start())
    await until(lambda: groups.engine.servers)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await until(lambda: container_of(groups.engine.servers[0].instance).removed)


async def test_one_that_dies_is_replaced(groups: InstanceGroups) -> None:
    group = groups.make()
    await group.start()
    await groups.engine.servers[0].die(137)
    await until(lambda: [each.id for each in group.instances] == ["instance-1"])
    assert "Instance instance-0 ended with container exit code 137. Replacing it." in groups.events
    await until(lambda: container_of(groups.engine.servers[0].instance).removed)


async def test_one_that_fails_its_checks_is_replaced(groups: InstanceGroups) -> None:
    group = groups.make()
    await group.start()
    groups.engine.servers[0].healthy = False
    await until(lambda: [each.id for each in group.instances] == ["instance-1"])
    assert "Instance instance-0 failed its health check. Replacing it." in groups.events


async def test_a_replacement_that_fails_is_tried_again(groups: InstanceGroups) -> None:
    group = groups.make()
    await group.start()
    groups.engine.refuses = True
    await groups.engine.servers[0].die()
    await until(lambda: any("could not be started" in event for event in groups.events))
    assert group.instances == ()
    groups.engine.refuses = False
    await until(lambda: len(group.instances) == 1)


async def test_it_follows_the_demand(groups: InstanceGroups) -> None:
    group = groups.make(max_size=3, max_concurrency=1)
    await group.start()
    busy = group.take()
    assert busy is not None
    assert group.take() is None
    assert group.take() is None
    await until(lambda: len(group.instances) == 3)
    busy.end_request()
    await until(lambda: len(group.instances) == 1)
    removed = [server for server in groups.engine.servers if container_of(server.instance).removed]
    await until(lambda: len(removed) <= 2)
    assert "Scaling out from 1 to 3 instances." in groups.events
    assert "Scaling in from 3 to 1 instances." in groups.events


async def test_scaling_in_never_ends_a_request(groups: InstanceGroups) -> None:
    group = groups.make(max_size=2, max_concurrency=1)
    await group.start()
    first = group.take()
    assert first is not None
    assert group.take() is None
    await until(lambda: len(group.instances) == 2)
    await until(lambda: len(group.instances) == 1)
    assert group.instances == (first,)
    first.end_request()


async def test_new_limits_apply(groups: InstanceGroups) -> None:
    group = groups.make()
    await group.start()
    group.rescale(ScalingLimits(max_concurrency=1, min_size=2, max_size=2))
    await until(lambda: len(group.instances) == 2)


async def test_closing_waits_for_requests(groups: InstanceGroups) -> None:
    group = groups.make()
    await group.start()
    busy = group.take()
    assert busy is not None
    closing = asyncio.ensure_future(group.close())
    await asyncio.sleep(0.1)
    assert not container_of(busy).removed
    busy.end_request()
    await closing
    assert container_of(busy).stopped_after == 7
    assert container_of(busy).removed
    assert group.take() is None
