"""Drills on the database: away and back, and without the keys that its tokens are signed with."""

import json
import threading
from collections.abc import Sequence
from typing import Final

import neo4j.exceptions

from automation.checks.lookups import find_service
from automation.checks.verdicts import Skipped, Undecided, expect, expect_equal
from automation.controls import (
    CONNECT_VARIABLE,
    PAUSE_VARIABLE,
    RESUME_VARIABLE,
    run,
)
from automation.drills.exercise import Exercise
from automation.drills.fault_proxy import Answer, Asked, FaultProxy, forward
from automation.drills.records import (
    Record,
    expect_all_answered,
    expect_failures,
    failed,
    outage,
)
from automation.drills.registry import drill
from neo4j_mcp_client.calls import HOST_LIMIT

_UNAVAILABLE: Final = "DatabaseUnavailableError"
# The server gives up on the database after about 55 s. Where that takes 60 s, its own limit for
# an answer, the caller gets none.
_DROPPED: Final = "TimeLimitError"
# Longer waits show that it wasn't the server that gave up: the host does after 120 s.
_LONGEST_REFUSAL: Final = HOST_LIMIT
_LONGEST_WAIT_FOR_FAILURES: Final = 150.0
_RECOVERY: Final = 300.0
_STEADY: Final = 10

# Source: "Neo4j status codes", Security.
_PROVIDER_FAILED: Final = "Neo.TransientError.Security.AuthProviderFailed"
_PROVIDER_TIMEOUT: Final = "Neo.TransientError.Security.AuthProviderTimeout"
_DISCOVERY_PATH: Final = "/.well-known/openid-configuration"
_KEYS_PATH: Final = "/.well-known/jwks.json"
# Much longer than a database waits for keys.
_SILENCE: Final = 120.0


@drill("database-away", touches="stops the database, and starts it again")
def database_away(exercise: Exercise) -> None:
    """Without the database every call fails and says so; with it, calls succeed again."""
    pause = _command(exercise.controls.pause_database, PAUSE_VARIABLE)
    resume = _command(exercise.controls.resume_database, RESUME_VARIABLE)
    operations = _operations(exercise)
    with exercise.traffic(exercise.call()) as traffic:
        exercise.afterwards("the database", lambda: run(resume))
        run(pause)
        away = exercise.mark("the database is away")
        with exercise.phase("the database is away"):
            exercise.expect_refused(traffic, away, within=_LONGEST_WAIT_FOR_FAILURES)
            exercise.mark("bring the database back")
            run(resume)
        back = exercise.mark("the database is back")
        with exercise.phase("it is back"):
            exercise.expect_answered(traffic, back, within=_RECOVERY, in_a_row=_STEADY)
    _expect_unavailable(exercise, traffic.records)
    expect_equal("the service's operations", _operations(exercise), operations)


@drill(
    "keys-unreachable",
    touches="single sign-on: the keys are fetched through this machine for a while",
)
def keys_unreachable(exercise: Exercise) -> None:
    """Without the pool's keys calls go on; a database that forgot them says so, and heals."""
    context = exercise.context
    connect = _command(exercise.controls.connect_database, CONNECT_VARIABLE)
    keys = _Keys(exercise)
    aura_sso = context.outputs["auraSso"]
    with FaultProxy(keys.respond) as proxy:
        keys.url = proxy.url
        detour = {**aura_sso, "discoveryUri": proxy.url + _DISCOVERY_PATH}
        exercise.afterwards("single sign-on", lambda: run(connect, aura_sso))
        exercise.mark("single sign-on fetches the keys through this machine")
        run(connect, detour)
        # Who is logged on stays so; a new token has to be checked.
        context.token(exercise.caller, fresh=True)
        with exercise.traffic(exercise.call()) as traffic:
            expect(keys.fetched, "the database takes tokens, and has fetched no keys")
            exercise.mark("the keys can't be reached")
            with exercise.phase("the keys are away"):
                keys.refuse()
                context.token(exercise.caller, fresh=True)
                renewed = exercise.mark("callers take new tokens, signed with a key that is known")
                exercise.expect_answered(traffic, renewed, within=_RECOVERY)
                expect_all_answered(traffic.records, "the keys of known tokens couldn't be reached")
            run(connect, detour)
            context.token(exercise.caller, fresh=True)
            exercise.mark("the database has forgotten the keys; callers take new tokens again")
            with exercise.phase("away and forgotten"):
                _expect_code(exercise, _PROVIDER_FAILED)
                keys.keep_silent()
                _expect_code(exercise, _PROVIDER_TIMEOUT)
            back = exercise.mark("the keys are back")
            keys.give()
            # The server tries such failures again for half a minute, so calls may only have waited.
            with exercise.phase("they are back"):
                exercise.expect_answered(traffic, back, within=_RECOVERY, in_a_row=_STEADY)
    expect_failures(traffic.records, {_UNAVAILABLE, _DROPPED}, within=_LONGEST_REFUSAL)


def _expect_unavailable(exercise: Exercise, records: Sequence[Record]) -> None:
    exercise.mark(f"calls failed for {outage(records):.1f} s")
    expect_failures(records, {_UNAVAILABLE, _DROPPED}, within=_LONGEST_REFUSAL)
    if all(record.failure == _DROPPED for record in failed(records)):
        # The server gives up five seconds before it drops the answer; on a busy machine, after.
        raise Undecided(
            "the server dropped every answer after a minute, before it could name the database"
        )


class _Keys:
    """The pool's discovery document and keys, as the database gets to see them."""

    def __init__(self, exercise: Exercise) -> None:
        self.url = ""
        self.fetched = 0
        self._http = exercise.http
        self._outputs = exercise.context.outputs
        self._refusing = False
        self._speaking = threading.Event()
        self._speaking.set()

    def refuse(self) -> None:
        self._refusing = True

    def keep_silent(self) -> None:
        self._speaking.clear()

    def give(self) -> None:
        self._refusing = False
        self._speaking.set()

    def respond(self, asked: Asked) -> Answer:
        if not self._speaking.is_set():
            self._speaking.wait(_SILENCE)
        if self._refusing:
            return Answer(status=503)
        if asked.path == _DISCOVERY_PATH:
            return self._discovery(asked)
        self.fetched += 1
        return forward(self._http, self._outputs["jwksUrl"], asked)

    def _discovery(self, asked: Asked) -> Answer:
        answer = forward(self._http, self._outputs["discoveryUrl"], asked)
        document = json.loads(answer.body) | {"jwks_uri": self.url + _KEYS_PATH}
        return Answer(
            status=answer.status, headers=answer.headers, body=json.dumps(document).encode()
        )


def _expect_code(exercise: Exercise, code: str) -> None:
    """See what the database says of a token, past the server, which would try again first."""
    context = exercise.context
    found: set[str] = set()
    failure = ""
    try:
        with context.driver(context.token(exercise.caller)) as driver:
            driver.verify_connectivity()
    except (neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError) as error:
        found, failure = codes(error), str(error)
    said = ", ".join(sorted(found)) or failure or "nothing against it"
    exercise.mark(f"the database says of a good token: {said}")
    exercise.probe.note(f"Logging on at {context.database_uri}", said)
    if failure and not found:
        raise Undecided(f"the database gave no reason for refusing a token: {failure}")
    expect(code in found, f"without keys the database must answer {code}, and says: {said}")


def codes(error: BaseException | None) -> set[str]:
    """Find Neo4j's status codes in a driver's exception, which wraps what a router answered.

    Args:
        error: the exception.

    Returns:
        The codes in it, in its causes and in the groups among them.
    """
    if error is None:
        return set()
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    found = {str(error.code)} if isinstance(error, neo4j.exceptions.Neo4jError) else set()
    return found.union(codes(error.__cause__), *map(codes, inner))


def _command(command: str | None, variable: str) -> str:
    if command is None:
        raise Skipped(f"nothing says how: {variable} holds no command")
    return command


def _operations(exercise: Exercise) -> list[str]:
    """Name what was done to the service, so that a restart shows."""
    arn = find_service(exercise.probe)["ServiceArn"]
    listed = exercise.probe.aws("apprunner", "list_operations", ServiceArn=arn)
    return [each["Id"] for each in listed["OperationSummaryList"]]
