"""Faults on the way from a caller's token to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from automation.checks.context import request_token
from localcloud.console import connect_aura
from tests.end_to_end import breakage
from tests.end_to_end.alarms.calls import query
from tests.end_to_end.alarms.fault import Fault
from tests.end_to_end.alarms.monitored import Monitored

_RAISES: Final = "if trigger != _TRIGGER:", "if trigger:"
_SLEEPS: Final = (
    'trigger = event.get("triggerSource")',
    '__import__("time").sleep(3.2)\n    trigger = event.get("triggerSource")',
)
# Twice as many as raise the alarms, in case these are in two minutes.
_REFUSED_TOKENS: Final = 6
_FAILED_CALLS: Final = 22
_TOO_MANY_TOKENS: Final = 201
_CLIENT: Final = "reader"


@contextmanager
def _without_canary_in_audience(monitored: Monitored) -> Iterator[None]:
    world = monitored.world
    known = world.outputs["auraSso"]["audience"]
    others = [each for each in known if each != world.client_id("canary")]
    with breakage.aura(world, audience=others):
        yield


def _type_in_audience(monitored: Monitored) -> None:
    connect_aura(monitored.running, monitored.world.outputs["auraSso"])


@contextmanager
def _claims_function_that_raises(monitored: Monitored) -> Iterator[None]:
    with breakage.claims_function(monitored.world, *_RAISES):
        yield


@contextmanager
def _claims_function_that_sleeps(monitored: Monitored) -> Iterator[None]:
    with breakage.claims_function(monitored.world, *_SLEEPS):
        yield


@contextmanager
def _claims_function_without_capacity(monitored: Monitored) -> Iterator[None]:
    functions, name = monitored.aws("lambda"), monitored.world.context.names.claims_function
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        functions.delete_function_concurrency(FunctionName=name)


def _is_issued(monitored: Monitored) -> bool:
    """Request a token, and return whether one is issued."""
    context = monitored.world.context
    with context.http_client() as http:
        return request_token(http, context.credentials(_CLIENT)).is_success


def _refused_tokens(monitored: Monitored) -> None:
    assert not any(_is_issued(monitored) for _ in range(_REFUSED_TOKENS))


def _token(monitored: Monitored) -> None:
    assert _is_issued(monitored)


def _too_many_tokens(monitored: Monitored) -> None:
    assert all(_is_issued(monitored) for _ in range(_TOO_MANY_TOKENS))


def _wrong_queries(monitored: Monitored) -> None:
    results = [query(monitored.world, "MATCH (n RETURN n") for _ in range(_FAILED_CALLS)]
    assert all(each.refused for each in results)


PATH_FAULTS: Final = (
    Fault(
        alarm="canary-failing",
        evidence='"hop": "database".*Neo.ClientError.Security.Unauthorized',
        exists=_without_canary_in_audience,
        fix=_type_in_audience,
    ),
    Fault(
        alarm="claims-errors",
        evidence="ValueError: only client-credentials tokens are issued here",
        exists=_claims_function_that_raises,
        in_each_period=_refused_tokens,
    ),
    Fault(
        alarm="claims-throttles",
        evidence='"ReservedConcurrentExecutions": 0',
        exists=_claims_function_without_capacity,
        in_each_period=_refused_tokens,
    ),
    Fault(
        alarm="claims-slow",
        evidence=r"Duration: 3[2-9]\d\d\.\d+ ms",
        exists=_claims_function_that_sleeps,
        in_each_period=_token,
    ),
    Fault(
        alarm="token-runaway",
        client=_CLIENT,
        evidence=rf"{_CLIENT}\b.*\b20[1-9]\b",
        values={"client": _CLIENT},
        in_each_period=_too_many_tokens,
    ),
    Fault(
        alarm="failed-tool-calls",
        evidence=r"MATCH \(n RETURN n",
        in_each_period=_wrong_queries,
    ),
)
