import asyncio
from dataclasses import replace

import pytest

from aws.apprunner.conftest import CHECK, Fleets, container_of, until
from localcloud.aws.apprunner.fleet import InstanceError
from localcloud.aws.apprunner.scaling import ScalingLimits


async def test_it_starts_with_its_minimum(fleets: Fleets) -> None:
    fleet = fleets.make(min_size=3, max_size=3)
    await fleet.start()
    assert len(fleet.instances) == 3


async def test_requests_go_where_the_fewest_are(fleets: Fleets) -> None:
    fleet = fleets.make(min_size=2, max_size=2, max_concurrency=2)
    await fleet.start()
    taken = [fleet.take() for _ in range(4)]
    assert [instance.in_flight for instance in fleet.instances] == [2, 2]
    assert fleet.take() is None
    assert taken[0] is not None
    taken[0].end_request()
    assert fleet.take() is taken[0]


async def test_one_that_exits_fails_the_start_and_all_are_gone(fleets: Fleets) -> None:
    fleets.engine.exits_with = 3
    fleet = fleets.make(min_size=2, max_size=2)
    with pytest.raises(InstanceError, match="Container exit code: 3"):
        await fleet.start()
    assert fleet.instances == ()
    await until(
        lambda: all(container_of(server.instance).removed for server in fleets.engine.servers)
    )


async def test_one_that_is_never_healthy_fails_the_start(fleets: Fleets) -> None:
    fleets.engine.born_healthy = False
    fleet = fleets.make()
    with pytest.raises(InstanceError, match="Health check failed"):
        await fleet.start()
    assert container_of(fleets.engine.servers[0].instance).removed


async def test_an_engine_that_refuses_fails_the_start(fleets: Fleets) -> None:
    fleets.engine.refuses = True
    with pytest.raises(InstanceError, match="could not start an instance: no"):
        await fleets.make().start()


async def test_healthy_thresholds_take_their_time(fleets: Fleets) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await fleets.make(check=replace(CHECK, healthy_threshold=2)).start()
    assert loop.time() - started >= CHECK.interval


async def test_a_cancelled_start_leaves_no_container(fleets: Fleets) -> None:
    fleets.engine.born_healthy = False
    fleet = fleets.make(check=replace(CHECK, unhealthy_threshold=20))
    starting = asyncio.ensure_future(fleet.start())
    await until(lambda: fleets.engine.servers)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await until(lambda: container_of(fleets.engine.servers[0].instance).removed)


async def test_one_that_dies_is_replaced(fleets: Fleets) -> None:
    fleet = fleets.make()
    await fleet.start()
    await fleets.engine.servers[0].die(137)
    await until(lambda: [each.id for each in fleet.instances] == ["instance-1"])
    assert "Instance instance-0 ended with container exit code 137. Replacing it." in fleets.events
    await until(lambda: container_of(fleets.engine.servers[0].instance).removed)


async def test_one_that_fails_its_checks_is_replaced(fleets: Fleets) -> None:
    fleet = fleets.make()
    await fleet.start()
    fleets.engine.servers[0].healthy = False
    await until(lambda: [each.id for each in fleet.instances] == ["instance-1"])
    assert "Instance instance-0 failed its health check. Replacing it." in fleets.events


async def test_a_replacement_that_fails_is_tried_again(fleets: Fleets) -> None:
    fleet = fleets.make()
    await fleet.start()
    fleets.engine.refuses = True
    await fleets.engine.servers[0].die()
    await until(lambda: any("could not be started" in event for event in fleets.events))
    assert fleet.instances == ()
    fleets.engine.refuses = False
    await until(lambda: len(fleet.instances) == 1)


async def test_it_follows_the_demand(fleets: Fleets) -> None:
    fleet = fleets.make(max_size=3, max_concurrency=1)
    await fleet.start()
    busy = fleet.take()
    assert busy is not None
    assert fleet.take() is None
    assert fleet.take() is None
    await until(lambda: len(fleet.instances) == 3)
    busy.end_request()
    await until(lambda: len(fleet.instances) == 1)
    removed = [server for server in fleets.engine.servers if container_of(server.instance).removed]
    await until(lambda: len(removed) <= 2)
    assert "Scaling out from 1 to 3 instances." in fleets.events
    assert "Scaling in from 3 to 1 instances." in fleets.events


async def test_scaling_in_never_ends_a_request(fleets: Fleets) -> None:
    fleet = fleets.make(max_size=2, max_concurrency=1)
    await fleet.start()
    first = fleet.take()
    assert first is not None
    assert fleet.take() is None
    await until(lambda: len(fleet.instances) == 2)
    await until(lambda: len(fleet.instances) == 1)
    assert fleet.instances == (first,)
    first.end_request()


async def test_new_limits_apply(fleets: Fleets) -> None:
    fleet = fleets.make()
    await fleet.start()
    fleet.rescale(ScalingLimits(max_concurrency=1, min_size=2, max_size=2))
    await until(lambda: len(fleet.instances) == 2)


async def test_closing_waits_for_requests(fleets: Fleets) -> None:
    fleet = fleets.make()
    await fleet.start()
    busy = fleet.take()
    assert busy is not None
    closing = asyncio.ensure_future(fleet.close())
    await asyncio.sleep(0.1)
    assert not container_of(busy).removed
    busy.end_request()
    await closing
    assert container_of(busy).stopped_after == 7
    assert container_of(busy).removed
    assert fleet.take() is None
