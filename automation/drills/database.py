"""Drills on the database: stopped and started, and without the keys to verify tokens."""

import json
import threading
from collections.abc import Sequence
from typing import Final

import neo4j.exceptions

from automation.checks.lookups import find_service, host_operations
from automation.checks.verdicts import Skipped, Undecided, expect, expect_equal
from automation.controls import (
    CONNECT_VARIABLE,
    PAUSE_VARIABLE,
    RESUME_VARIABLE,
    run,
)
from automation.drills.exercise import Exercise
from automation.drills.records import (
    Record,
    expect_failures,
    expect_no_failure,
    failed,
    outage,
)
from automation.drills.registry import drill
from automation.proxy import Proxy, Request, Response, forward
from neo4j_mcp_client.calls import HOST_LIMIT

_UNAVAILABLE: Final = "DatabaseUnavailableError"
# The server gives up on the database after about 55 s. If that takes 60 s, which is its own limit
# for a response, the caller gets none.
_DROPPED: Final = "TimeLimitError"
# After that, it wasn't the server that gave up but the host, whose limit is 120 s.
_LONGEST_FAILURE: Final = HOST_LIMIT
_STEADY: Final = 10

# Source: "Neo4j status codes", Security.
_PROVIDER_FAILED: Final = "Neo.TransientError.Security.AuthProviderFailed"
_PROVIDER_TIMEOUT: Final = "Neo.TransientError.Security.AuthProviderTimeout"
DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
_KEYS_PATH: Final = "/.well-known/jwks.json"
# Much longer than a database waits for keys.
_HANG_SECONDS: Final = 120.0


@drill("database-away", touches="stops the database, and starts it again")
def database_away(exercise: Exercise) -> None:
    """Without the database, calls fail and say so; with it, they succeed again."""
    pause = _command(exercise.controls.pause_database, PAUSE_VARIABLE)
    resume = _command(exercise.controls.resume_database, RESUME_VARIABLE)
    operations = _operations(exercise)
    with exercise.traffic(exercise.call()) as traffic:
        exercise.restore_at_end("the database", lambda: run(resume))
        run(pause)
        stopped = exercise.mark("the database is stopped")
        with exercise.phase("the database is stopped"):
            exercise.expect_failure(traffic, stopped, within=exercise.options.limits.outage)
            exercise.mark("start the database")
            run(resume)
        started = exercise.mark("the database is started")
        with exercise.phase("it is started again"):
            exercise.expect_success(
                traffic, started, within=exercise.options.limits.recovery, in_a_row=_STEADY
            )
    expect_unavailable(exercise, traffic.records)
    expect_equal("the service's operations", _operations(exercise), operations)


@drill(
    "keys-unreachable",
    touches="has single sign-on fetch the keys through this machine for a while",
)
def keys_unreachable(exercise: Exercise) -> None:
    """Without the pool's keys, calls succeed until the database forgets them, and then recover."""
    context = exercise.context
    connect = _command(exercise.controls.connect_database, CONNECT_VARIABLE)
    keys = PoolKeys(exercise)
    aura_sso = context.outputs["auraSso"]
    with Proxy(keys.respond) as proxy:
        keys.url = proxy.url
        detour = {**aura_sso, "discoveryUri": proxy.url + DISCOVERY_PATH}
        exercise.restore_at_end("single sign-on", lambda: run(connect, aura_sso))
        exercise.mark("single sign-on fetches the keys through this machine")
        run(connect, detour)
        # Open sessions stay logged on, but a new token has to be verified.
        context.token(exercise.caller, fresh=True)
        with exercise.traffic(exercise.call()) as traffic:
            expect(keys.fetched, "the database accepts tokens although it has fetched no keys")
            exercise.mark("the keys can't be fetched")
            with exercise.phase("the keys are unavailable"):
                keys.refuse()
                context.token(exercise.caller, fresh=True)
                renewed = exercise.mark("callers get new tokens, signed with a known key")
                exercise.expect_success(traffic, renewed, within=exercise.options.limits.recovery)
                expect_no_failure(traffic.records, "the keys of known tokens couldn't be fetched")
            run(connect, detour)
            context.token(exercise.caller, fresh=True)
            exercise.mark("the database has forgotten the keys; callers get new tokens again")
            with exercise.phase("unavailable and forgotten"):
                _expect_code(exercise, _PROVIDER_FAILED)
                keys.hang()
                _expect_code(exercise, _PROVIDER_TIMEOUT)
            back = exercise.mark("the keys are available again")
            keys.serve()
            # The server retries such failures for half a minute, so calls may only have waited.
            with exercise.phase("they are available again"):
                exercise.expect_success(
                    traffic, back, within=exercise.options.limits.recovery, in_a_row=_STEADY
                )
    expect_failures(traffic.records, {_UNAVAILABLE, _DROPPED}, within=_LONGEST_FAILURE)


def expect_unavailable(exercise: Exercise, records: Sequence[Record]) -> None:
    """Fail the drill unless every failed call named the unavailable database.

    Raises:
        Failed: a call failed in another way, or too late.
        Undecided: the server dropped every answer before it could name the database.
    """
    exercise.mark(f"calls failed for {outage(records):.1f} s")
    expect_failures(records, {_UNAVAILABLE, _DROPPED}, within=_LONGEST_FAILURE)
    if all(record.failure == _DROPPED for record in failed(records)):
        # The server gives up five seconds before it drops the response; on a busy machine, later.
        raise Undecided(
            "the server dropped every response after a minute, before it could name the database"
        )


class PoolKeys:
    """The pool's discovery document and keys, as the database sees them.

    Attributes:
        url: the URL of the proxy that serves them.
        fetched: how often the keys were fetched.
    """

    def __init__(self, exercise: Exercise) -> None:
        """Serve the keys until the drill withholds them."""
        self.url = ""
        self.fetched = 0
        self._http = exercise.http
        self._outputs = exercise.context.outputs
        self._refusing = False
        self._responding = threading.Event()
        self._responding.set()

    def refuse(self) -> None:
        """Answer every request with 503."""
        self._refusing = True

    def hang(self) -> None:
        """Don't answer."""
        self._responding.clear()

    def serve(self) -> None:
        """Serve the keys again."""
        self._refusing = False
        self._responding.set()

    def respond(self, request: Request) -> Response:
        """Answer a request of the database."""
        if not self._responding.is_set():
            self._responding.wait(_HANG_SECONDS)
        if self._refusing:
            return Response(status=503)
        if request.path == DISCOVERY_PATH:
            return self._discovery(request)
        self.fetched += 1
        return forward(self._http, self._outputs["jwksUrl"], request)

    def _discovery(self, request: Request) -> Response:
        response = forward(self._http, self._outputs["discoveryUrl"], request)
        document = json.loads(response.body) | {"jwks_uri": self.url + _KEYS_PATH}
        return Response(
            status=response.status, headers=response.headers, body=json.dumps(document).encode()
        )


def _expect_code(exercise: Exercise, code: str) -> None:
    """Require a status code of a logon at the database itself, since the server would retry."""
    context = exercise.context
    found: set[str] = set()
    failure = ""
    try:
        with context.driver(context.token(exercise.caller)) as driver:
            driver.verify_connectivity()
    except (neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError) as error:
        found, failure = codes(error), str(error)
    response = ", ".join(sorted(found)) or failure or "accepted"
    exercise.mark(f"the database's response to a valid token: {response}")
    exercise.probe.note(f"Logging on at {context.database_uri}", response)
    if failure and not found:
        raise Undecided(f"the database refused a token without a status code: {failure}")
    expect(code in found, f"without keys the database must answer {code}, not: {response}")


def codes(error: BaseException | None) -> set[str]:
    """Find Neo4j's status codes in a driver's exception, its causes and their groups."""
    if error is None:
        return set()
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    found = {str(error.code)} if isinstance(error, neo4j.exceptions.Neo4jError) else set()
    return found.union(codes(error.__cause__), *map(codes, inner))


def _command(command: str | None, variable: str) -> str:
    if command is None:
        raise Skipped(f"{variable} isn't set to a command that does it")
    return command


def _operations(exercise: Exercise) -> list[str]:
    """List the service's operations, so that a restart shows."""
    probe = exercise.probe
    return host_operations(probe).history(probe.aws, find_service(probe))
