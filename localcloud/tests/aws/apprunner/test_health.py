import asyncio
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from aws.apprunner.conftest import CHECK, FakeEngine, InstanceGroups
from localcloud.aws.apprunner.health import Health, Verdict, passes

_CHECK = replace(CHECK, healthy_threshold=2, unhealthy_threshold=3)


@pytest.mark.parametrize(
    ("checks", "health"),
    [
        ("", Health.UNKNOWN),
        ("+", Health.UNKNOWN),
        ("++", Health.HEALTHY),
        ("+-+", Health.UNKNOWN),
        ("---", Health.UNHEALTHY),
        ("--+-", Health.UNKNOWN),
        ("++--", Health.HEALTHY),
        ("++---", Health.UNHEALTHY),
        ("---++", Health.HEALTHY),
    ],
)
def test_thresholds_decide_the_health(checks: str, health: Health) -> None:
    verdict = Verdict()
    for check in checks:
        verdict = verdict.after(_CHECK, passed=check == "+")
    assert verdict.health is health


@given(st.lists(st.booleans()), st.integers(1, 20), st.integers(1, 20))
def test_health_changes_only_after_its_threshold(
    checks: list[bool], healthy: int, unhealthy: int
) -> None:
    check = replace(CHECK, healthy_threshold=healthy, unhealthy_threshold=unhealthy)
    verdict = Verdict()
    for index, passed in enumerate(checks, start=1):
        before, verdict = verdict.health, verdict.after(check, passed=passed)
        if verdict.health is not before:
            needed = healthy if verdict.health is Health.HEALTHY else unhealthy
            assert checks[index - needed : index] == [passed] * needed
            assert passed is (verdict.health is Health.HEALTHY)


async def test_an_http_check_requires_status_200(
    session: aiohttp.ClientSession, groups: InstanceGroups
) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/slow":
            await asyncio.sleep(2)
        return web.Response(status=int(request.query.get("status", "200")))

    engine: FakeEngine = groups.engine
    engine.handler = handler
    instance = await engine.start(groups.create().settings.application, lambda _, __: None)
    for path, expected in {
        "/any": True,
        "any": True,
        "/any?status=204": False,
        "/any?status=302": False,
        "/any?status=500": False,
        "/slow": False,
    }.items():
        check = replace(CHECK, path=path)
        assert await passes(check, instance.host, instance.port, session) is expected, path


async def test_a_tcp_check_requires_a_listener_behind_the_port(
    session: aiohttp.ClientSession,
) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async def close_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    check = replace(CHECK, protocol="TCP")
    for on_connection, expected in ((hold, True), (close_at_once, False)):
        server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        assert await passes(check, "127.0.0.1", port, session) is expected
        server.close()
        await server.wait_closed()
        assert not await passes(check, "127.0.0.1", port, session)
