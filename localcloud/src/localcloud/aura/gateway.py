"""The Bolt gateway: forwards each client's session to its own connection to the database."""

import asyncio
import contextlib
import logging
from collections import deque
from dataclasses import dataclass
from typing import Final

from localcloud.aura import handshake
from localcloud.aura.authentication import Authenticator, Identity, NativeUser
from localcloud.aura.chunking import Dechunker, Frame, MessageTooLargeError, to_chunks
from localcloud.aura.handshake import HandshakeError, Version
from localcloud.aura.messages import (
    LOGON_VERSION,
    BoltError,
    Code,
    Request,
    Response,
    failure,
    ignored,
    metadata_of,
    read_failure,
)
from localcloud.aura.packstream import (
    PackStreamError,
    Reader,
    Structure,
    Value,
    pack,
    skip,
    unpack,
)
from localcloud.aura.planner import QueryPlanner
from localcloud.aura.roles import Role, is_explain, is_show_current_user, with_explain
from localcloud.aura.state_machine import Phase, Step, decide
from localcloud.aura.upstream import Database, Upstream, database_unavailable

_LOGIN_SECONDS: Final = 30.0
_MAX_UNAUTHENTICATED: Final = 64 * 1024
_MAX_MESSAGE: Final = 16 * 1024 * 1024
_MAX_QUERY: Final = 1024 * 1024
_MAX_EXTRA: Final = 64 * 1024
# Everything read at once is handled at once, while other connections wait.
_READ_SIZE: Final = 64 * 1024
_TURN: Final = 8
"""Messages of one client that are handled before others get their turn."""
_DISCARD_SECONDS: Final = 1.0
_MAX_VARINT: Final = 10
_CREDENTIAL_KEYS: Final = frozenset({"scheme", "principal", "credentials", "realm", "parameters"})
_CURRENT_USER: Final = (
    "RETURN $user AS user, $roles AS roles, false AS passwordChangeRequired, "
    "false AS suspended, null AS home"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Gateway:
    """A gateway, with the parts that all its sessions share.

    Attributes:
        database: the database behind the gateway.
        authenticator: checks the credentials of clients.
        planner: gets the plans of queries.
        login_seconds: the time that a client has to log on.
    """

    database: Database
    authenticator: Authenticator
    planner: QueryPlanner
    login_seconds: float = _LOGIN_SECONDS

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it disconnects; its errors end only its own connection."""
        session = _Session(self, reader, writer)
        try:
            await session.run()
        except (OSError, asyncio.IncompleteReadError, TimeoutError, HandshakeError):
            _log.debug("a client's connection ended early")
        except (MessageTooLargeError, PackStreamError) as error:
            _log.info("a client sent invalid bytes: %s", error)
        except Exception:  # noqa: BLE001 - logged with its traceback
            # An error in one session must neither end the others nor stay unnoticed.
            _log.exception("a session failed")
        finally:
            session.close()
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()


@dataclass
class _Pending:
    """A request without the database's response yet."""

    tag: int
    identity: Identity | None = None
    forced_read_only: bool = False
    response: asyncio.Future[Frame] | None = None


class _Session:
    def __init__(
        self, gateway: Gateway, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._gateway = gateway
        self._reader = reader
        self._writer = writer
        self._dechunker = Dechunker(_MAX_UNAUTHENTICATED)
        self._version = Version(0, 0)
        self._phase = Phase.NEGOTIATION
        self._identity: Identity | None = None
        self._upstream: Upstream | None = None
        self._upstream_failed = False
        self._in_transaction = False
        self._transaction_database: Value = None
        self._forced_read_only = False
        self._pending: deque[_Pending] = deque()
        self._all_answered = asyncio.Event()
        self._all_answered.set()
        self._relay_task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        async with asyncio.timeout(self._gateway.login_seconds) as login:
            if not await self._negotiate():
                return
            while data := await self._reader.read(_READ_SIZE):
                await self._process(data)
                if self._ended():
                    return
                if self._phase is Phase.AUTHENTICATED:
                    login.reschedule(None)

    async def _process(self, data: bytes) -> None:
        try:
            for number, frame in enumerate(self._dechunker.feed(data), start=1):
                await self._handle(frame)
                if self._ended():
                    return
                if number % _TURN == 0:
                    await asyncio.sleep(0)
        except MessageTooLargeError as error:
            await self._fail_and_close(BoltError(Code.INVALID_REQUEST, f"Refused: {error}"))
            await self._discard()
        # A stream with full buffers never waits, and would block the others.
        await asyncio.sleep(0)

    async def _discard(self) -> None:
        """Read what the client still sends; otherwise it couldn't receive the failure."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DISCARD_SECONDS):
                while not self._reader.at_eof():
                    await self._reader.read(_READ_SIZE)

    def _ended(self) -> bool:
        return self._phase is Phase.DEFUNCT

    def close(self) -> None:
        if self._relay_task is not None:
            self._relay_task.cancel()
        if self._upstream is not None:
            self._upstream.close()

    async def _negotiate(self) -> bool:
        request = await self._reader.readexactly(handshake.REQUEST_SIZE)
        if handshake.wants_manifest(request):
            self._writer.write(handshake.MANIFEST)
            self._version = handshake.read_choice(await self._reader.readexactly(4))
            for _ in range(_MAX_VARINT):
                if (await self._reader.readexactly(1))[0] < 0x80:  # noqa: PLR2004 - the last byte
                    return True
            return False
        version = handshake.choose_version(request)
        self._writer.write(handshake.NO_VERSION if version is None else handshake.encode(version))
        await self._writer.drain()
        if version is None:
            return False
        self._version = version
        return True

    async def _handle(self, frame: Frame) -> None:  # noqa: C901 - a table of the steps
        match decide(self._phase, frame.tag, self._version):
            case Step.FORWARD:
                await self._forward(frame.raw, frame.tag)
            case Step.AUTHORIZE:
                try:
                    await self._authorize(frame)
                except BoltError as error:
                    await self._fail(error)
            case Step.RESET_SESSION:
                self._phase = Phase.AUTHENTICATED
                await self._forward(frame.raw, frame.tag)
            case Step.LOG_OFF:
                self._identity = None
                self._phase = Phase.AUTHENTICATION
                self._dechunker.limit = _MAX_UNAUTHENTICATED
                await self._forward(frame.raw, frame.tag)
            case Step.GREET | Step.LOG_ON as step:
                try:
                    await (self._greet(frame) if step is Step.GREET else self._log_on(frame))
                except BoltError as error:
                    await self._fail_and_close(error)
            case Step.IGNORE:
                await self._send(ignored())
            case Step.CLOSE:
                self._phase = Phase.DEFUNCT
            case Step.REJECT:
                await self._fail_and_close(
                    BoltError(Code.INVALID_REQUEST, "The message is not allowed in this state.")
                )

    async def _greet(self, frame: Frame) -> None:
        hello = metadata_of(unpack(frame.payload))
        payload = frame.payload
        identity: Identity | None = None
        if self._version < LOGON_VERSION:
            user = await self._gateway.authenticator.authenticate(hello)
            rest = {key: value for key, value in hello.items() if key not in _CREDENTIAL_KEYS}
            payload = pack(Structure(Request.HELLO, (rest | self._upstream_auth(user),)))
            identity = user if isinstance(user, Identity) else None
        self._upstream = await Upstream.open(self._gateway.database.port, self._version)
        self._relay_task = asyncio.create_task(self._relay(self._upstream))
        response = await self._exchange(payload, Request.HELLO)
        if response.tag != Response.SUCCESS:
            self._phase = Phase.DEFUNCT
        elif self._version < LOGON_VERSION:
            self._admit(identity)
        else:
            self._phase = Phase.AUTHENTICATION
        await self._send(response.raw)

    async def _log_on(self, frame: Frame) -> None:
        user = await self._gateway.authenticator.authenticate(metadata_of(unpack(frame.payload)))
        logon = pack(Structure(Request.LOGON, (self._upstream_auth(user),)))
        response = await self._exchange(logon, Request.LOGON)
        if response.tag == Response.SUCCESS:
            self._admit(user if isinstance(user, Identity) else None)
        elif response.tag == Response.FAILURE:
            self._phase = Phase.DEFUNCT
        await self._send(response.raw)

    def _upstream_auth(self, user: Identity | NativeUser) -> dict[str, Value]:
        return dict(user.auth) if isinstance(user, NativeUser) else self._gateway.database.auth

    def _admit(self, identity: Identity | None) -> None:
        self._identity = identity
        self._phase = Phase.AUTHENTICATED
        self._dechunker.limit = _MAX_MESSAGE

    async def _authorize(self, frame: Frame) -> None:
        identity = self._identity
        if identity is None:
            await self._forward(frame.raw, frame.tag)
            return
        self._gateway.authenticator.require_current(identity)
        principal = identity.principal
        role = principal.role
        if role is None:
            raise BoltError(Code.FORBIDDEN, f"Database access is not allowed for {principal}.")
        if frame.tag == Request.BEGIN:
            text, query, extra = "", b"", _extra(frame.payload, 2)
            self._transaction_database = extra.get("db")
        else:
            text, query, extra = await self._authorize_run(frame, role, identity)
        if "imp_user" in extra:
            raise BoltError(Code.FORBIDDEN, f"Impersonation is not allowed for {principal}.")
        explains = frame.tag == Request.RUN and is_explain(text)
        read_only = role is Role.READER and not explains and extra.get("mode") != "r"
        if frame.tag == Request.BEGIN or not self._in_transaction:
            self._forced_read_only = read_only
        if read_only:
            extra = extra | {"mode": "r"}
        header = frame.payload[:2]
        await self._forward(to_chunks(header + query + pack(extra)), frame.tag)

    async def _authorize_run(
        self, frame: Frame, role: Role, identity: Identity
    ) -> tuple[str, bytes, dict[str, Value]]:
        """Parse a RUN and check that the caller's role may run it.

        Returns:
            The query to run, the same packed with its parameters, and the extra fields.
        """
        principal = identity.principal
        reader = Reader(frame.payload, 2)
        text = reader.read()
        if not isinstance(text, str):
            raise PackStreamError("a query is not a string")
        if reader.position > _MAX_QUERY:
            raise BoltError(
                Code.INVALID_REQUEST,
                f"A query's text is limited to {_MAX_QUERY} bytes: pass data as parameters.",
            )
        middle = reader.position
        end = await _value_end(frame.payload, middle)
        extra = _extra(frame.payload, end)
        if is_show_current_user(text):
            extra.pop("db", None)
            user: dict[str, Value] = {"user": principal.username, "roles": [*principal.role_names]}
            query = with_explain(_CURRENT_USER) if is_explain(text) else _CURRENT_USER
            return query, pack(query) + pack(user), extra
        if role is not Role.ADMIN:
            planner = self._gateway.planner
            name = self._transaction_database if self._in_transaction else extra.get("db")
            plan = await planner.plan(
                text, frame.payload[middle:end], name if isinstance(name, str) else None
            )
            if denied := await planner.denial(role, text, plan):
                raise BoltError(Code.FORBIDDEN, f"{denied} not allowed for {principal}.")
        return text, frame.payload[2:end], extra

    async def _forward(self, raw: bytes, tag: int | None) -> None:
        if tag in {Request.BEGIN, Request.COMMIT, Request.ROLLBACK, Request.RESET}:
            self._in_transaction = tag == Request.BEGIN
        await self._request(
            raw, _Pending(tag or 0, self._identity, forced_read_only=self._forced_read_only)
        )

    async def _exchange(self, payload: bytes, tag: Request) -> Frame:
        response: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        await self._request(to_chunks(payload), _Pending(tag, response=response))
        return await response

    async def _request(self, raw: bytes, pending: _Pending) -> None:
        if self._upstream is None or self._relay_task is None or self._relay_task.done():
            raise ConnectionResetError
        self._pending.append(pending)
        self._all_answered.clear()
        await self._upstream.send(raw)

    async def _fail(self, error: BoltError) -> None:
        await self._all_answered.wait()
        if self._upstream_failed:
            await self._send(ignored())
            return
        self._phase = Phase.FAILED
        await self._send(failure(error, self._version))

    async def _fail_and_close(self, error: BoltError) -> None:
        await self._all_answered.wait()
        self._phase = Phase.DEFUNCT
        await self._send(failure(error, self._version))

    async def _send(self, raw: bytes) -> None:
        self._writer.write(raw)
        await self._writer.drain()

    async def _relay(self, upstream: Upstream) -> None:
        """Forward the database's responses in order, until it closes the connection."""
        try:
            while frames := await upstream.receive():
                await self._forward_responses(frames)
                await asyncio.sleep(0)
        except OSError:
            _log.debug("a connection broke")
        except Exception:  # noqa: BLE001 - logged with its traceback
            _log.exception("the database's responses couldn't be forwarded")
        await self._close_after_database()

    async def _forward_responses(self, frames: list[Frame]) -> None:
        out = bytearray()
        for frame in frames:
            if frame.tag == Response.RECORD:
                out += frame.raw
                continue
            pending = self._pending.popleft()
            if frame.tag == Response.FAILURE:
                self._upstream_failed = True
            elif pending.tag == Request.RESET:
                self._upstream_failed = False
            if pending.response is not None:
                if not pending.response.done():
                    pending.response.set_result(frame)
            elif frame.tag == Response.FAILURE and pending.identity is not None:
                out += self._reword_failure(frame, pending, pending.identity)
            else:
                out += frame.raw
        self._writer.write(out)
        if not self._pending:
            self._all_answered.set()
        await self._writer.drain()

    def _reword_failure(self, frame: Frame, pending: _Pending, identity: Identity) -> bytes:
        """Reword a failure for the client's role if READ mode or the administrator caused it."""
        error = read_failure(unpack(frame.payload))
        principal = identity.principal
        if error.code == Code.ACCESS_MODE and pending.forced_read_only:
            return failure(
                BoltError(Code.FORBIDDEN, f"Write operations are not allowed for {principal}."),
                self._version,
            )
        if error.code == Code.FORBIDDEN:
            # The database's message is about its administrator, not about the caller.
            return failure(
                BoltError(Code.FORBIDDEN, f"The operation is not allowed for {principal}."),
                self._version,
            )
        return frame.raw

    async def _close_after_database(self) -> None:
        """Report to the client that the database is gone, and close its connection."""
        for pending in self._pending:
            if pending.response is not None and not pending.response.done():
                pending.response.set_exception(database_unavailable())
        if self._pending and self._pending[0].response is None and not self._upstream_failed:
            with contextlib.suppress(OSError):
                await self._send(failure(database_unavailable(), self._version))
        self._pending.clear()
        self._all_answered.set()
        self._phase = Phase.DEFUNCT
        self._writer.close()


async def _value_end(payload: bytes, position: int) -> int:
    """Find the end of a value of any size without blocking other connections."""
    for step, reached in enumerate(skip(payload, position)):
        position = reached
        if step:
            await asyncio.sleep(0)
    return position


def _extra(payload: bytes, position: int) -> dict[str, Value]:
    if len(payload) - position > _MAX_EXTRA:
        raise BoltError(
            Code.INVALID_REQUEST, f"A message's extra fields are limited to {_MAX_EXTRA} bytes."
        )
    value = Reader(payload, position).read()
    if not isinstance(value, dict):
        raise PackStreamError("a message's extra fields are not a map")
    return value
