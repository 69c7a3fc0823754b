import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from localcloud.aura import roles
from localcloud.aura.chunking import Dechunker
from localcloud.aura.handshake import REQUEST_SIZE, SUPPORTED, encode
from localcloud.aura.messages import BoltError, Request, Response, success
from localcloud.aura.packstream import Structure, Value, pack, unpack
from localcloud.aura.planner import QueryPlanner, read_plan, without_explain
from localcloud.aura.roles import Plan, Role
from localcloud.aura.upstream import Database
from tests.work import lines_run


def _summary(metadata: dict[str, Value]) -> Structure:
    return Structure(Response.SUCCESS, (metadata,))


def test_every_operator_of_a_plan_is_parsed() -> None:
    leaf: Value = {"operatorType": "Argument@neo4j", "args": {}, "children": []}
    call: Value = {
        "operatorType": "ProcedureCall@neo4j",
        "args": {"Details": "a.b() :: ()"},
        "children": [leaf],
    }
    root: Value = {"operatorType": "Apply@neo4j", "args": {"Details": 7}, "children": [leaf, call]}
    plan = read_plan(_summary({"type": "rw", "plan": root}))
    assert plan.query_type == "rw"
    assert sorted(plan.operators) == [
        ("Apply@neo4j", "7"),
        ("Argument@neo4j", ""),
        ("Argument@neo4j", ""),
        ("ProcedureCall@neo4j", "a.b() :: ()"),
    ]


@pytest.mark.parametrize("metadata", [{}, {"type": "r"}, {"plan": {}}, {"plan": 1, "type": "r"}])
def test_a_response_without_a_plan_is_denied(metadata: dict[str, Value]) -> None:
    with pytest.raises(BoltError) as caught:
        read_plan(_summary(metadata))
    assert caught.value.code == "Neo.ClientError.Security.Forbidden"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            'Invalid (line 1, column 16 (offset: 15))\n"EXPLAIN MATCH (n"\n                ^',
            'Invalid (line 1, column 8 (offset: 7))\n"MATCH (n"\n        ^',
        ),
        (
            'Invalid (line 2, column 3 (offset: 20))\n"EXPLAIN MATCH\n  x"\n   ^',
            'Invalid (line 2, column 3 (offset: 12))\n"MATCH\n  x"\n   ^',
        ),
        ("No position", "No position"),
    ],
)
def test_positions_in_error_messages_are_those_of_the_original_query(
    message: str, expected: str
) -> None:
    assert without_explain(message) == expected


class _FakeDatabase:
    """A database that plans every query except a slow one, which it never answers."""

    def __init__(self) -> None:
        self.slow_queries = 0
        self.waiting = asyncio.Event()
        self.parameters: list[Value] = []
        self.connections: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        with contextlib.suppress(ConnectionError):
            await self._answer(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(REQUEST_SIZE)
        writer.write(encode(SUPPORTED[0]))
        dechunker = Dechunker(1 << 24)
        while data := await reader.read(1 << 16):
            for frame in dechunker.feed(data):
                message = unpack(frame.payload)
                assert isinstance(message, Structure)
                if message.tag == Request.RUN:
                    self.parameters.append(message.fields[1])
                    if message.fields[0] == "EXPLAIN slow":
                        self.slow_queries += 1
                        self.waiting.set()
                        continue
                root: Value = {"operatorType": "AllNodesScan", "args": {}, "children": []}
                writer.write(success({"type": "r", "plan": root}))


@pytest.fixture
async def planning() -> AsyncIterator[tuple[_FakeDatabase, QueryPlanner]]:
    planning = _FakeDatabase()
    async with await asyncio.start_server(planning.serve, "127.0.0.1", 0) as server:
        planner = QueryPlanner(Database(server.sockets[0].getsockname()[1], "neo4j", "hush"))
        yield planning, planner
        planner.close()
        await asyncio.wait(planning.connections, timeout=20)


async def test_a_query_that_takes_long_to_plan_does_not_block_others(
    planning: tuple[_FakeDatabase, QueryPlanner],
) -> None:
    database, planner = planning
    slow = asyncio.create_task(planner.plan("slow", pack({}), None))
    async with asyncio.timeout(20):
        await database.waiting.wait()
        for text in ("one", "two", "three"):
            assert (await planner.plan(text, pack({}), None)).query_type == "r"
    assert not slow.done()
    slow.cancel()
    await asyncio.wait({slow})
    # Its connection, with a response still to come, isn't used again.
    assert (await planner.plan("four", pack({}), None)).query_type == "r"
    assert database.slow_queries == 1


async def test_large_parameters_are_not_sent_for_planning(
    planning: tuple[_FakeDatabase, QueryPlanner],
) -> None:
    database, planner = planning
    await planner.plan("small", pack({"x": 1}), None)
    await planner.plan("large", pack({"x": "x" * 70_000}), None)
    assert database.parameters == [{"x": 1}, {}]


async def test_what_a_role_may_run_is_decided_once(
    planning: tuple[_FakeDatabase, QueryPlanner],
) -> None:
    _, planner = planning
    plan = Plan("s", (("CreateIndex", ""),))
    decided = [await planner.denial(role, "CREATE INDEX", plan) for role in (Role.READER, *Role)]
    assert decided == ["Schema operations are"] * 3 + [None] * 2

    async def again() -> None:
        assert await planner.denial(Role.READER, "CREATE INDEX", plan) == "Schema operations are"

    def run() -> None:
        with contextlib.suppress(StopIteration):
            again().send(None)

    assert lines_run(roles, run) == 0


async def test_what_may_be_run_depends_on_the_text_and_its_plan(
    planning: tuple[_FakeDatabase, QueryPlanner],
) -> None:
    _, planner = planning
    administration = Plan("s", (("AdministrationCommand", ""),))
    allowed = [
        await planner.denial(Role.READER, text, plan) is None
        for text, plan in (
            ("SHOW DATABASES", administration),
            ("SHOW USERS", administration),
            ("SHOW USERS", Plan("r", (("AllNodesScan", ""),))),
            ("SHOW USERS" + " " * 20_000, administration),
        )
    ]
    assert allowed == [True, False, True, False]
