"""The faults by name: how each is made, and what callers may see."""

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from automation.chaos.bounds import LONGEST_TOKEN, LONGEST_WITH_TOKEN
from automation.chaos.token_fault import TokenEndpoint
from automation.chaos.toxiproxy import FaultProxy, Toxic
from automation.checks.lookups import find_service, host_operations
from automation.checks.verdicts import Skipped, expect
from automation.controls import CONNECT_VARIABLE, run
from automation.drills.database import DISCOVERY_PATH, PoolKeys
from automation.drills.exercise import Exercise
from automation.drills.service import HOST_FAILURES, wait_for_operation
from automation.function_code import is_updating
from automation.hosting.host import Aws, RedeploymentError, aws_of
from automation.hosting.instances import UnreachableError
from automation.proxy import Proxy
from automation.waiting import wait_while
from components.hosting.definitions import DEFINITIONS

_UNAVAILABLE: Final = "DatabaseUnavailableError"
_TIME_LIMIT: Final = "TimeLimitError"
_DATABASE_FAILURES: Final = frozenset({_UNAVAILABLE, _TIME_LIMIT})
_NO_TOKEN: Final = "TokenEndpointUnavailableError"  # noqa: S105 - the name of an exception
_LATENCY: Final = (100, 400)
_BYTES: Final = (2_000, 20_000)
# More than a TLS handshake has, so that requests reach the server, and less than the answers to
# the calls that are waited for.
_ANSWER_BYTES: Final = (6_500, 8_500)
_REQUIRED: Final = "RESOURCE_SERVER_IDENTIFIER"
"""The variable without which the claims function raises KeyError."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a fault is made of.

    Attributes:
        tokens: the token endpoint of the callers.
        network: the network between the server and the database; None if no fault needs it.
        calls: the network between the callers and the server; None if the fault doesn't need it.
        chance: chooses what isn't fixed.
    """

    exercise: Exercise
    tokens: TokenEndpoint
    network: FaultProxy | None
    calls: FaultProxy | None
    chance: random.Random

    def require_network(self) -> FaultProxy:
        """Return the network to the database, which a fault needs."""
        if self.network is None:
            raise ValueError("a fault that uses the network must say so with needs_network")
        return self.network

    def require_calls(self) -> FaultProxy:
        """Return the network between the callers and the server, which a fault needs."""
        if self.calls is None:
            raise ValueError("a fault that uses the callers' network must say so with needs_calls")
        return self.calls


Make = Callable[[Scene], AbstractContextManager[None]]


@dataclass(frozen=True, kw_only=True)
class ChaosFault:
    """A fault.

    Attributes:
        name: as in ``database-away``.
        what: what fails, for the report and the documentation.
        touches: what it changes, and restores.
        kinds: the kinds of failure that callers may see.
        within: seconds that a call may take meanwhile.
        make: makes the fault during a block.
        needs_network: whether it needs the network to the database.
        needs_calls: whether it needs the network between the callers and the server.
    """

    name: str
    what: str
    touches: str
    kinds: Collection[str]
    within: float
    make: Make = field(repr=False)
    needs_network: bool = False
    needs_calls: bool = False


FAULTS: Final[dict[str, ChaosFault]] = {}
"""Every fault, by its name."""

_NOTHING: Final = "nothing: a proxy on this machine makes the fault"
_NETWORK: Final = "restarts the database behind a proxy on this machine, and back"


def _fault(
    name: str,
    *,
    touches: str,
    kinds: Collection[str] = (),
    within: float = LONGEST_WITH_TOKEN,
    needs_network: bool = False,
    needs_calls: bool = False,
) -> Callable[[Callable[[Scene], Iterator[None]]], Make]:
    def register(generate: Callable[[Scene], Iterator[None]]) -> Make:
        make = contextmanager(generate)
        FAULTS[name] = ChaosFault(
            name=name,
            what=(generate.__doc__ or "").partition("\n")[0].rstrip("."),
            touches=touches,
            kinds=frozenset(kinds),
            within=within,
            make=make,
            needs_network=needs_network,
            needs_calls=needs_calls,
        )
        return make

    return register


@_fault("token-endpoint-slow", touches=_NOTHING, within=LONGEST_TOKEN)
def _token_endpoint_slow(scene: Scene) -> Iterator[None]:
    """The token endpoint answers up to four seconds late."""
    with scene.tokens.slow():
        yield


@_fault(
    "token-endpoint-hangs",
    touches=_NOTHING,
    kinds={"NetworkError", _NO_TOKEN},
    within=LONGEST_TOKEN,
)
def _token_endpoint_hangs(scene: Scene) -> Iterator[None]:
    """The token endpoint accepts requests and doesn't answer."""
    with scene.tokens.hanging():
        yield


@_fault("token-endpoint-429", touches=_NOTHING, kinds={_NO_TOKEN}, within=LONGEST_TOKEN)
def _token_endpoint_429(scene: Scene) -> Iterator[None]:
    """The token endpoint throttles, with Retry-After."""
    with scene.tokens.throttling():
        yield


@_fault("token-endpoint-5xx", touches=_NOTHING, kinds={_NO_TOKEN}, within=LONGEST_TOKEN)
def _token_endpoint_5xx(scene: Scene) -> Iterator[None]:
    """The token endpoint answers 500, 502, 503 or 504."""
    with scene.tokens.breaking():
        yield


@_fault("token-endpoint-reset", touches=_NOTHING, kinds={"NetworkError"}, within=LONGEST_TOKEN)
def _token_endpoint_reset(scene: Scene) -> Iterator[None]:
    """The token endpoint resets connections after the request."""
    with scene.tokens.resetting():
        yield


@_fault(
    "claims-function-throttled",
    touches="reserves no concurrency for the claims function (Lambda's ReservedConcurrency)",
    kinds={"TokenRequestError", _NO_TOKEN},
    within=LONGEST_TOKEN,
)
def _claims_function_throttled(scene: Scene) -> Iterator[None]:
    """Cognito can't run the claims function."""
    exercise = scene.exercise
    functions = exercise.context.client("lambda")
    name = exercise.context.names.claims_function
    found = functions.get_function_concurrency(FunctionName=name)
    before = found.get("ReservedConcurrentExecutions")

    def restore() -> None:
        if before is None:
            functions.delete_function_concurrency(FunctionName=name)
        else:
            _reserve(functions, name, before)

    exercise.restore_at_end("the claims function's concurrency", restore)
    _reserve(functions, name, 0)
    yield
    restore()


def _reserve(functions: Any, name: str, count: int) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=count)


@_fault(
    "claims-function-raises",
    touches=f"removes {_REQUIRED} from the claims function's environment, and restores it",
    kinds={"TokenRequestError", _NO_TOKEN},
    within=LONGEST_TOKEN,
)
def _claims_function_raises(scene: Scene) -> Iterator[None]:
    """The claims function raises an exception."""
    exercise = scene.exercise
    aws = aws_of(exercise.context.client)
    name = exercise.context.names.claims_function
    found = aws("lambda", "get_function_configuration", FunctionName=name)
    before: dict[str, str] = found["Environment"]["Variables"]

    def restore() -> None:
        _set_environment(aws, name, before)

    exercise.restore_at_end("the claims function's environment", restore)
    rest = {variable: value for variable, value in before.items() if variable != _REQUIRED}
    _set_environment(aws, name, rest)
    yield
    restore()


def _set_environment(aws: Aws, name: str, variables: Mapping[str, str]) -> None:
    busy = partial(is_updating, aws, name)
    # Lambda refuses a change while it applies another one, such as that of an interrupted run.
    wait_while(busy)
    aws(
        "lambda",
        "update_function_configuration",
        FunctionName=name,
        Environment={"Variables": dict(variables)},
    )
    wait_while(busy)


@_fault(
    "keys-unreachable",
    touches="has single sign-on fetch the keys through this machine for a while",
    kinds=_DATABASE_FAILURES,
)
def _keys_unreachable(scene: Scene) -> Iterator[None]:
    """The database has forgotten the pool's keys, and can't fetch them."""
    exercise = scene.exercise
    connect = exercise.controls.connect_database
    if connect is None:
        raise Skipped(f"{CONNECT_VARIABLE} isn't set to a command that does it")
    keys = PoolKeys(exercise)
    aura_sso = exercise.context.outputs["auraSso"]
    with Proxy(keys.respond) as proxy:
        keys.url = proxy.url
        exercise.restore_at_end("single sign-on", lambda: run(connect, aura_sso))
        keys.refuse()
        run(connect, {**aura_sso, "discoveryUri": proxy.url + DISCOVERY_PATH})
        yield
        keys.serve()
        run(connect, aura_sso)


@_fault("database-away", touches=_NETWORK, kinds=_DATABASE_FAILURES, needs_network=True)
def _database_away(scene: Scene) -> Iterator[None]:
    """The database refuses connections, and closes those that are open."""
    with scene.require_network().refusing():
        yield


@_fault("database-slow", touches=_NETWORK, needs_network=True)
def _database_slow(scene: Scene) -> Iterator[None]:
    """Every answer of the database is up to half a second late."""
    latency = scene.chance.randint(*_LATENCY)
    toxic = Toxic(kind="latency", attributes={"latency": latency, "jitter": latency // 4})
    with scene.require_network().toxic(toxic):
        yield


@_fault("database-hangs", touches=_NETWORK, kinds=_DATABASE_FAILURES, needs_network=True)
def _database_hangs(scene: Scene) -> Iterator[None]:
    """No answer of the database arrives, and the connections stay open."""
    with scene.require_network().toxic(Toxic(kind="timeout", attributes={"timeout": 0})):
        yield


@_fault("database-reset", touches=_NETWORK, kinds=_DATABASE_FAILURES, needs_network=True)
def _database_reset(scene: Scene) -> Iterator[None]:
    """Connections to the database are reset when an answer arrives."""
    with scene.require_network().toxic(Toxic(kind="reset_peer", attributes={"timeout": 0})):
        yield


@_fault("database-cut-off", touches=_NETWORK, kinds=_DATABASE_FAILURES, needs_network=True)
def _database_cut_off(scene: Scene) -> Iterator[None]:
    """Each connection to the database ends in the middle of an answer, again and again."""
    size = scene.chance.randint(*_BYTES)
    with scene.require_network().toxic(Toxic(kind="limit_data", attributes={"bytes": size})):
        yield


@_fault(
    "answers-reset",
    touches=_NOTHING,
    # New connections are reset during the handshake, after which no request has been sent.
    kinds={"NetworkError", "TlsError"},
    needs_calls=True,
)
def _answers_reset(scene: Scene) -> Iterator[None]:
    """Connections to the server are reset when an answer arrives."""
    with scene.require_calls().toxic(Toxic(kind="reset_peer", attributes={"timeout": 0})):
        yield


@_fault("answers-cut-off", touches=_NOTHING, kinds={"NetworkError"}, needs_calls=True)
def _answers_cut_off(scene: Scene) -> Iterator[None]:
    """Each connection to the server ends in the middle of an answer, again and again."""
    size = scene.chance.randint(*_ANSWER_BYTES)
    with scene.require_calls().toxic(Toxic(kind="limit_data", attributes={"bytes": size})):
        yield


@_fault(
    "instance-killed",
    touches="ends the service's instances where this machine runs them",
    kinds=HOST_FAILURES,
)
def _instance_killed(scene: Scene) -> Iterator[None]:
    """All instances of the service are killed in the middle of calls."""
    exercise = scene.exercise
    host, service = host_operations(exercise.probe), find_service(exercise.probe)
    endpoint = exercise.context.client("lambda").meta.endpoint_url
    try:
        with host.instances(service, endpoint) as instances:
            running = instances.running()
            if not running:
                title = DEFINITIONS[host.hosting].title
                raise Skipped(
                    f"this machine runs no instance of the service: {title}'s own are out of reach"
                )
            for instance in running:
                instance.kill()
            yield
    except UnreachableError as error:
        raise Skipped(str(error)) from error


@_fault("service-redeployed", touches="deploys what the service runs again")
def _service_redeployed(scene: Scene) -> Iterator[None]:
    """What the service runs is deployed again."""
    exercise = scene.exercise
    probe = exercise.probe
    host, service = host_operations(probe), find_service(probe)
    try:
        started = host.redeploy(probe.aws, service, exercise.context.settings)
    except RedeploymentError as error:
        raise Skipped(str(error)) from error
    operation = wait_for_operation(exercise, service, started)
    expect(operation.succeeded, f"the deployment's status is {operation.status!r}")
    yield
