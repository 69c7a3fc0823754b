"""The gateway with Neo4j's driver: connections, single sign-on and the ordinary use of roles."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal

import neo4j
import pytest
from neo4j.exceptions import AuthError, ClientError, Forbidden, Neo4jError, TokenExpired

from aura.conftest import Bearer
from aura.instance import Aura, sso_settings
from aura.issuer import Issuer
from aura.test_oidc import BAD_TOKENS
from localcloud.aura.chunking import Dechunker, to_chunks
from localcloud.aura.handshake import SUPPORTED, Version, encode, request
from localcloud.aura.messages import LOGON_VERSION, Request, Response, metadata_of
from localcloud.aura.packstream import Structure, Value, pack, unpack

pytestmark = pytest.mark.stand_in


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
def test_a_reader_reads_over_tls(
    aura: Aura, issuer: Issuer, scheme: Literal["bolt", "neo4j"]
) -> None:
    with aura.driver(neo4j.bearer_auth(issuer.token("reader")), scheme) as driver:
        driver.verify_connectivity()
        info = driver.get_server_info()
        assert info.protocol_version == (5, 8)
        assert info.agent == "Neo4j/5.26.18"
        records, _, _ = driver.execute_query("UNWIND range(1, 3) AS x RETURN x", routing_="r")
        assert [record["x"] for record in records] == [1, 2, 3]


async def test_the_async_driver_can_read(aura: Aura, issuer: Issuer) -> None:
    driver = neo4j.AsyncGraphDatabase.driver(
        aura.uri("neo4j"),
        auth=neo4j.bearer_auth(issuer.token("reader")),
        encrypted=True,
        ssl_context=aura.tls,
    )
    async with driver:
        records, _, _ = await driver.execute_query("RETURN 'x' AS x", routing_="r")
        assert records[0]["x"] == "x"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_routing_returns_the_address_that_the_client_used(
    aura: Aura, issuer: Issuer, host: str
) -> None:
    driver = neo4j.GraphDatabase.driver(
        f"neo4j://{host}:{aura.port}",
        auth=neo4j.bearer_auth(issuer.token("reader")),
        encrypted=True,
        ssl_context=aura.tls,
    )
    with driver:
        _, summary, _ = driver.execute_query("RETURN 1")
        assert (summary.server.address[0], summary.server.address[1]) in {
            (host, aura.port),
            ("127.0.0.1", aura.port),
        }


def test_all_kinds_of_values_and_large_ones_are_forwarded(bearer: Bearer) -> None:
    driver = bearer("writer")
    text = "x" * 200_000
    query = (
        "CREATE (a:Person {name: $name, at: datetime('2026-01-01T00:00:00Z')})-[:KNOWS]->(b:Person)"
        " RETURN a, $list AS list, $map AS map, $bytes AS bytes, point({x: 1, y: 2}) AS point"
    )
    parameters = {"name": text, "list": [1, -1.5, None, True], "map": {"k": "v"}, "bytes": b"\0"}
    records, summary, _ = driver.execute_query(query, parameters)
    assert records[0]["a"]["name"] == text
    assert records[0]["list"] == parameters["list"]
    assert records[0]["bytes"] == b"\0"
    assert summary.counters.nodes_created == 2


def test_many_records_arrive_in_order(bearer: Bearer) -> None:
    with bearer("reader").session(fetch_size=100) as session:
        result = session.run("UNWIND range(1, 5000) AS x RETURN x")
        assert [record["x"] for record in result] == list(range(1, 5001))


def test_a_reader_cannot_write(bearer: Bearer) -> None:
    driver = bearer("reader")
    with pytest.raises(Forbidden) as caught:
        driver.execute_query("CREATE (n:Person) RETURN n")
    assert caught.value.code == "Neo.ClientError.Security.Forbidden"
    assert caught.value.message == (
        "Write operations are not allowed for user 'client-1' with roles [PUBLIC, reader]."
    )
    records, _, _ = driver.execute_query("MATCH (n) RETURN count(n) AS count")
    assert records[0]["count"] == 0


def test_a_reader_cannot_write_in_a_transaction(bearer: Bearer) -> None:
    with bearer("reader").session() as session:
        transaction = session.begin_transaction()
        assert transaction.run("RETURN 1 AS x").single(strict=True)["x"] == 1
        with pytest.raises(Forbidden):
            transaction.run("CREATE (n)").consume()
        transaction.close()


def test_a_read_transaction_fails_like_in_neo4j(bearer: Bearer) -> None:
    with pytest.raises(ClientError) as caught:
        bearer("writer").execute_query("CREATE (n)", routing_="r")
    assert caught.value.code == "Neo.ClientError.Statement.AccessMode"


def test_a_reader_can_explain_a_write(bearer: Bearer) -> None:
    _, summary, _ = bearer("reader").execute_query("EXPLAIN CREATE (n:Person)")
    assert summary.query_type == "w"
    assert summary.plan is not None


def test_a_writer_can_write(bearer: Bearer) -> None:
    driver = bearer("writer")
    driver.execute_query("CREATE (:Person {name: 'Valjean'})")
    records, _, _ = bearer("reader").execute_query("MATCH (n:Person) RETURN n.name AS name")
    assert [record["name"] for record in records] == ["Valjean"]


def test_a_writer_can_roll_back(bearer: Bearer) -> None:
    driver = bearer("writer")
    with driver.session() as session:
        with session.begin_transaction() as transaction:
            transaction.run("CREATE (:Person)").consume()
            transaction.rollback()
        assert session.run("MATCH (n) RETURN count(n) AS c").single(strict=True)["c"] == 0


def test_the_connection_stays_usable_after_a_denied_query(bearer: Bearer) -> None:
    with bearer("reader").session() as session:
        for _ in range(5):
            with pytest.raises(Forbidden):
                session.run("SHOW USERS").consume()
            with pytest.raises(ClientError):
                session.run("RETURN 1/0").consume()
            assert session.run("RETURN 1 AS x").single(strict=True)["x"] == 1


def test_show_current_user_returns_the_user_of_the_token(bearer: Bearer) -> None:
    records, _, _ = bearer("reader", "writer").execute_query("SHOW CURRENT USER")
    assert records[0].data() == {
        "user": "client-1",
        "roles": ["PUBLIC", "reader", "publisher"],
        "passwordChangeRequired": False,
        "suspended": False,
        "home": None,
    }


def test_an_error_message_quotes_the_original_query(bearer: Bearer) -> None:
    with pytest.raises(ClientError) as caught:
        bearer("reader").execute_query("RETRN 1")
    message = str(caught.value.message)
    assert "(line 1, column 1 (offset: 0))" in message
    assert '"RETRN 1"\n ^' in message


@pytest.mark.parametrize("groups", [[], ["unknown"], "reader writer"])
def test_a_user_without_a_role_is_denied(
    aura: Aura, issuer: Issuer, groups: list[str] | str
) -> None:
    token = issuer.token(groups=groups)
    with aura.driver(neo4j.bearer_auth(token)) as driver, pytest.raises(Forbidden) as caught:
        driver.execute_query("RETURN 1")
    assert caught.value.message == (
        "Database access is not allowed for user 'client-1' with roles [PUBLIC]."
    )


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_invalid_tokens_are_rejected(aura: Aura, issuer: Issuer, kind: str) -> None:
    token = BAD_TOKENS[kind](issuer)
    with aura.driver(neo4j.bearer_auth(token)) as driver, pytest.raises(AuthError) as caught:
        driver.verify_connectivity()
    assert caught.value.code == "Neo.ClientError.Security.Unauthorized"
    assert not token or token not in str(caught.value)
    assert not token or token not in aura.log.read_text(encoding="utf-8")


def test_an_expired_token_is_rejected(aura: Aura, issuer: Issuer) -> None:
    token = issuer.token("reader", exp=int(time.time()) - 5)
    with aura.driver(neo4j.bearer_auth(token)) as driver, pytest.raises(TokenExpired):
        driver.verify_connectivity()


def test_a_token_that_expires_during_a_session_is_reported(aura: Aura, issuer: Issuer) -> None:
    expires = int(time.time()) + 3
    auth = neo4j.bearer_auth(issuer.token("reader", exp=expires))
    with aura.driver(auth) as driver, driver.session() as session:
        session.run("RETURN 1").consume()
        time.sleep(max(0.0, expires - time.time()))
        with pytest.raises(TokenExpired):
            session.run("RETURN 1").consume()


def test_the_administrator_of_the_instance_can_log_on(aura: Aura) -> None:
    with aura.driver(aura.admin, "neo4j") as driver:
        records, _, _ = driver.execute_query("SHOW USERS YIELD user")
        assert [record["user"] for record in records] == ["neo4j"]


def test_a_wrong_password_is_rejected(aura: Aura) -> None:
    with aura.driver(("neo4j", "wrong-password")) as driver, pytest.raises(AuthError) as caught:
        driver.verify_connectivity()
    assert caught.value.code == "Neo.ClientError.Security.Unauthorized"


@pytest.mark.parametrize(
    "auth", [neo4j.Auth("none", "", ""), neo4j.kerberos_auth("x"), neo4j.Auth("odd", "a", "b")]
)
def test_other_schemes_are_rejected(aura: Aura, auth: neo4j.Auth) -> None:
    with aura.driver(auth) as driver, pytest.raises(AuthError):
        driver.verify_connectivity()


def test_without_single_sign_on_tokens_are_rejected(aura: Aura, issuer: Issuer) -> None:
    assert aura.call_console("DELETE")[0] == 204
    assert aura.call_console("GET")[0] == 404
    auth = neo4j.bearer_auth(issuer.token("reader"))
    with aura.driver(auth) as driver, pytest.raises(AuthError) as caught:
        driver.verify_connectivity()
    assert caught.value.code == "Neo.ClientError.Security.Unauthorized"


def test_an_unreachable_provider_is_reported(aura: Aura, issuer: Issuer) -> None:
    changed = sso_settings(issuer, discoveryUri="http://127.0.0.1:1/nothing")
    assert aura.call_console("PUT", changed)[0] == 200
    auth = neo4j.bearer_auth(issuer.token("reader"))
    with aura.driver(auth) as driver, pytest.raises(Neo4jError) as caught:
        driver.verify_connectivity()
    assert caught.value.code == "Neo.TransientError.Security.AuthProviderFailed"


def test_new_settings_expire_the_authorization_of_open_connections(
    aura: Aura, issuer: Issuer
) -> None:
    with aura.driver(neo4j.bearer_auth(issuer.token("reader"))) as driver:
        driver.execute_query("RETURN 1")
        try:
            mapping = '"reader"=publisher'
            aura.call_console("PUT", sso_settings(issuer, groupToRoleMapping=mapping))
            with pytest.raises(Neo4jError) as caught:
                driver.execute_query("RETURN 1")
            assert caught.value.code == "Neo.ClientError.Security.AuthorizationExpired"
            driver.execute_query("CREATE (:Granted)")
        finally:
            aura.call_console("PUT", sso_settings(issuer))


def test_pooled_connections_have_the_role_of_their_last_token(aura: Aura, issuer: Issuer) -> None:
    """The driver logs off and on again whenever it reuses a pooled connection for other auth."""
    reader = neo4j.bearer_auth(issuer.token("reader", sub="reader"))
    writer = neo4j.bearer_auth(issuer.token("writer", sub="writer"))
    driver = neo4j.GraphDatabase.driver(
        aura.uri(),
        auth=reader,
        encrypted=True,
        ssl_context=aura.tls,
        max_connection_pool_size=2,
    )
    with driver:
        for turn in range(1000):
            auth, name = ((reader, "reader"), (writer, "writer"))[turn * 7 % 3 % 2]
            with driver.session(auth=auth) as session:
                who = session.run("SHOW CURRENT USER").single(strict=True)
                assert who["user"] == name
                if turn % 5 == 0:
                    try:
                        session.run("CREATE (n:Turn)").consume()
                        assert name == "writer"
                    except Forbidden:
                        assert name == "reader"


async def _receive_until(connection: "RawConnection", tags: set[int]) -> Structure:
    message = await connection.receive()
    while isinstance(message, Structure) and message.tag not in tags:
        message = await connection.receive()
    assert isinstance(message, Structure)
    return message


class RawConnection:
    """A client that sends what no driver sends."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._dechunker = Dechunker(1 << 24)
        self._messages: list[Value] = []

    @classmethod
    async def open(cls, aura: Aura) -> "RawConnection":
        return cls(
            *await asyncio.open_connection(
                "127.0.0.1", aura.port, ssl=aura.tls, server_hostname="localhost"
            )
        )

    async def handshake(self, version: Version) -> None:
        self.writer.write(request(version))
        assert await self.reader.readexactly(4) == encode(version)

    def send(self, tag: int, *fields: Value) -> None:
        self.writer.write(to_chunks(pack(Structure(tag, fields))))

    async def receive(self) -> Value:
        async with asyncio.timeout(20):
            while not self._messages:
                data = await self.reader.read(1 << 16)
                if not data:
                    return None
                self._messages += [unpack(frame.payload) for frame in self._dechunker.feed(data)]
        return self._messages.pop(0)

    async def log_on(self, version: Version, token: str) -> Value:
        hello: dict[str, Value] = {"user_agent": "test/1", "bolt_agent": {"product": "test/1"}}
        bearer: dict[str, Value] = {"scheme": "bearer", "credentials": token}
        if version < LOGON_VERSION:
            self.send(Request.HELLO, hello | bearer)
            return await self.receive()
        self.send(Request.HELLO, hello)
        self.send(Request.LOGON, bearer)
        await self.receive()
        return await self.receive()

    async def closed(self) -> bool:
        async with asyncio.timeout(20):
            try:
                while await self.reader.read(1 << 16):
                    pass
            except (ConnectionError, ssl.SSLError):
                pass
        return True


Connect = Callable[[], Awaitable[RawConnection]]


@pytest.fixture
async def connect(aura: Aura) -> AsyncIterator[Connect]:
    opened: list[RawConnection] = []

    async def open_one() -> RawConnection:
        opened.append(await RawConnection.open(aura))
        return opened[-1]

    yield open_one
    for connection in opened:
        connection.writer.transport.abort()
        with contextlib.suppress(OSError):
            await connection.writer.wait_closed()


@pytest.mark.parametrize("version", SUPPORTED)
async def test_every_version_of_bolt_works(
    connect: Connect, issuer: Issuer, version: Version
) -> None:
    connection = await connect()
    await connection.handshake(version)
    answer = await connection.log_on(version, issuer.token("reader"))
    assert isinstance(answer, Structure)
    assert answer.tag == Response.SUCCESS, answer
    connection.send(Request.RUN, "CREATE (n)", {}, {})
    connection.send(Request.PULL, {"n": -1})
    refused = await _receive_until(connection, {Response.FAILURE})
    metadata = metadata_of(refused)
    code = metadata.get("neo4j_code", metadata.get("code"))
    assert code == "Neo.ClientError.Security.Forbidden"
    assert ("gql_status" in metadata) is (version >= (5, 7))
    connection.send(Request.RESET)
    await _receive_until(connection, {Response.SUCCESS})
    connection.send(Request.RUN, "RETURN $x AS x", {"x": 7}, {"mode": "r"})
    connection.send(Request.PULL, {"n": -1})
    record = await _receive_until(connection, {Response.RECORD, Response.FAILURE})
    assert record == Structure(Response.RECORD, ([7],))
    connection.send(Request.GOODBYE)
    assert await connection.closed()


@pytest.mark.parametrize(
    "message",
    [
        Structure(Request.RUN, ("RETURN 1", {}, {})),
        Structure(Request.ROUTE, ({}, [], {})),
        Structure(Request.RESET),
        Structure(Request.BEGIN, ({},)),
    ],
)
async def test_requests_before_the_logon_are_rejected(connect: Connect, message: Structure) -> None:
    connection = await connect()
    await connection.handshake(SUPPORTED[0])
    connection.send(Request.HELLO, {"user_agent": "test/1", "bolt_agent": {"product": "test/1"}})
    assert isinstance(await connection.receive(), Structure)
    connection.send(message.tag, *message.fields)
    refused = await connection.receive()
    assert metadata_of(refused)["neo4j_code"] == "Neo.ClientError.Request.Invalid"
    assert await connection.closed()


async def test_nothing_is_allowed_after_a_logoff(connect: Connect, issuer: Issuer) -> None:
    connection = await connect()
    await connection.handshake(SUPPORTED[0])
    await connection.log_on(SUPPORTED[0], issuer.token("writer"))
    connection.send(Request.LOGOFF)
    connection.send(Request.RUN, "CREATE (n)", {}, {})
    await _receive_until(connection, {Response.SUCCESS})
    refused = await connection.receive()
    assert metadata_of(refused)["neo4j_code"] == "Neo.ClientError.Request.Invalid"
    assert await connection.closed()


async def test_requests_after_a_rejected_one_are_ignored_until_reset(
    connect: Connect, issuer: Issuer
) -> None:
    connection = await connect()
    await connection.handshake(SUPPORTED[0])
    await connection.log_on(SUPPORTED[0], issuer.token("reader"))
    connection.send(Request.RUN, "RETURN 1 AS x", {}, {})
    connection.send(Request.PULL, {"n": -1})
    connection.send(Request.RUN, "SHOW SETTINGS", {}, {})
    connection.send(Request.PULL, {"n": -1})
    connection.send(Request.LOGOFF)
    connection.send(Request.RESET)
    connection.send(Request.RUN, "RETURN 2 AS x", {}, {})
    answers = [await connection.receive() for _ in range(8)]
    assert [answer.tag for answer in answers if isinstance(answer, Structure)] == [
        Response.SUCCESS,
        Response.RECORD,
        Response.SUCCESS,
        Response.FAILURE,
        Response.IGNORED,
        Response.IGNORED,
        Response.SUCCESS,
        Response.SUCCESS,
    ]


async def test_impersonation_is_denied(connect: Connect, issuer: Issuer) -> None:
    connection = await connect()
    await connection.handshake(SUPPORTED[0])
    await connection.log_on(SUPPORTED[0], issuer.token("admin"))
    connection.send(Request.BEGIN, {"imp_user": "neo4j"})
    refused = await connection.receive()
    assert metadata_of(refused)["neo4j_code"] == "Neo.ClientError.Security.Forbidden"


async def test_the_database_checks_a_password_in_hello(connect: Connect, aura: Aura) -> None:
    name, password = aura.admin
    for secret, tag in ((password, Response.SUCCESS), ("wrong-password", Response.FAILURE)):
        connection = await connect()
        await connection.handshake(Version(4, 4))
        connection.send(
            Request.HELLO,
            {
                "user_agent": "test/1",
                "scheme": "basic",
                "principal": name,
                "credentials": secret,
            },
        )
        answer = await connection.receive()
        assert isinstance(answer, Structure)
        assert answer.tag == tag


Junk = Callable[[RawConnection], None]


def _http(connection: RawConnection) -> None:
    connection.writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


def _unsupported_version(connection: RawConnection) -> None:
    connection.writer.write(bytes.fromhex("6060b017") + bytes(16))


def _too_large(connection: RawConnection) -> None:
    connection.writer.write(request(SUPPORTED[0]) + b"\xff\xffx" * 3 + bytes(200_000))


def _invalid_packstream(connection: RawConnection) -> None:
    connection.writer.write(request(SUPPORTED[0]) + to_chunks(b"\xb1\x01\xc4\xc4"))


def _unknown_message(connection: RawConnection) -> None:
    connection.writer.write(request(SUPPORTED[0]) + to_chunks(b"\xb0\x77"))


@pytest.mark.parametrize(
    "junk", [_http, _unsupported_version, _too_large, _invalid_packstream, _unknown_message]
)
async def test_invalid_bytes_end_only_their_own_connection(
    connect: Connect, issuer: Issuer, junk: Junk
) -> None:
    good = await connect()
    await good.handshake(SUPPORTED[0])
    await good.log_on(SUPPORTED[0], issuer.token("reader"))
    bad = await connect()
    junk(bad)
    assert await bad.closed()
    good.send(Request.RUN, "RETURN 1 AS x", {}, {})
    answer = await good.receive()
    assert isinstance(answer, Structure)
    assert answer.tag == Response.SUCCESS


async def _assert_query_works(connection: RawConnection) -> None:
    connection.send(Request.RUN, "RETURN 1 AS x", {}, {})
    connection.send(Request.PULL, {"n": -1})
    tags = [
        message.tag
        for message in [await connection.receive() for _ in range(3)]
        if isinstance(message, Structure)
    ]
    assert tags == [Response.SUCCESS, Response.RECORD, Response.SUCCESS]


async def test_a_message_in_tiny_chunks_does_not_block_other_connections(
    connect: Connect, issuer: Issuer
) -> None:
    slow, other = await connect(), await connect()
    for connection in (slow, other):
        await connection.handshake(SUPPORTED[0])
        await connection.log_on(SUPPORTED[0], issuer.token("reader"))
    run = pack(Structure(Request.RUN, ("RETURN size($x) AS x", {"x": "x" * 1_000_000}, {})))
    chunks = b"".join(b"\0\x01" + run[at : at + 1] for at in range(len(run)))
    slow.writer.write(chunks)
    await slow.writer.drain()
    # The last chunk hasn't been sent yet.
    await _assert_query_works(other)
    slow.writer.write(bytes(2))
    slow.send(Request.PULL, {"n": -1})
    await _assert_query_works(other)
    assert await slow.receive() is not None
    assert await slow.receive() == Structure(Response.RECORD, ([1_000_000],))


async def test_a_long_list_is_forwarded(connect: Connect, issuer: Issuer) -> None:
    connection = await connect()
    await connection.handshake(SUPPORTED[0])
    await connection.log_on(SUPPORTED[0], issuer.token("reader"))
    connection.send(Request.RUN, "RETURN size($x) AS x", {"x": [0] * 300_000}, {})
    connection.send(Request.PULL, {"n": -1})
    assert await connection.receive() is not None
    assert await connection.receive() == Structure(Response.RECORD, ([300_000],))


async def test_a_message_over_the_limit_is_rejected_with_the_limit(
    connect: Connect, issuer: Issuer
) -> None:
    connection, other = await connect(), await connect()
    for each in (connection, other):
        await each.handshake(SUPPORTED[0])
        await each.log_on(SUPPORTED[0], issuer.token("reader"))
    connection.send(Request.RUN, "RETURN 1", {"x": "x" * (17 * 1024 * 1024)}, {})
    failure = await connection.receive()
    assert metadata_of(failure)["neo4j_code"] == "Neo.ClientError.Request.Invalid"
    assert "larger than 16777216 bytes" in str(metadata_of(failure)["message"])
    assert await connection.closed()
    await _assert_query_works(other)


@pytest.mark.parametrize(
    ("request_fields", "tag", "limit"),
    [
        (("RETURN 1 //" + "x" * 1024 * 1024, {}, {}), Request.RUN, "1048576 bytes"),
        (("RETURN 1", {}, {"tx_metadata": {"x": "x" * 65_536}}), Request.RUN, "65536 bytes"),
        (({"tx_metadata": {"x": "x" * 65_536}},), Request.BEGIN, "65536 bytes"),
    ],
    ids=["text", "extra fields", "transaction"],
)
async def test_queries_and_extra_fields_over_the_limit_are_rejected(
    connect: Connect, issuer: Issuer, request_fields: tuple[Value, ...], tag: Request, limit: str
) -> None:
    connection = await connect()
    await connection.handshake(SUPPORTED[0])
    await connection.log_on(SUPPORTED[0], issuer.token("reader"))
    connection.send(tag, *request_fields)
    failure = metadata_of(await connection.receive())
    assert failure["neo4j_code"] == "Neo.ClientError.Request.Invalid"
    assert limit in str(failure["message"])
    connection.send(Request.RESET)
    assert isinstance(await connection.receive(), Structure)
    await _assert_query_works(connection)


async def test_a_query_is_stopped_when_its_client_disconnects(
    connect: Connect, aura: Aura, issuer: Issuer
) -> None:
    connection = await connect()
    await connection.handshake(SUPPORTED[0])
    await connection.log_on(SUPPORTED[0], issuer.token("reader"))
    text = "UNWIND range(1, 100000000000) AS gone RETURN sum(gone)"
    connection.send(Request.RUN, text, {}, {})
    connection.send(Request.PULL, {"n": -1})
    with aura.driver(aura.admin) as admin:

        async def count() -> int:
            records, _, _ = await asyncio.to_thread(
                admin.execute_query, "SHOW TRANSACTIONS YIELD currentQuery"
            )
            return sum("AS gone" in record["currentQuery"] for record in records)

        async with asyncio.timeout(20):
            while await count() == 0:  # noqa: ASYNC110 - the database sends no such event
                await asyncio.sleep(0.1)
            connection.writer.transport.abort()
            while await count() > 0:  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.1)


def test_the_certificate_comes_from_the_authority_of_the_stand_in(aura: Aura) -> None:
    with (
        socket.create_connection(("127.0.0.1", aura.port), timeout=5) as plain,
        aura.tls.wrap_socket(plain, server_hostname="host.docker.internal") as tls,
    ):
        assert tls.version() in {"TLSv1.2", "TLSv1.3"}


def test_connections_without_tls_are_rejected(aura: Aura) -> None:
    with socket.create_connection(("127.0.0.1", aura.port), timeout=20) as plain:
        plain.sendall(request(SUPPORTED[0]))
        try:
            answer = plain.recv(100)
        except ConnectionError:
            answer = b""
    assert not answer.startswith(encode(SUPPORTED[0]))
