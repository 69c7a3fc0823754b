"""Counts what the clients' tokens and secrets use in a month. Pure."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Final

from automation.cost import prices
from automation.cost.monitoring import callers_clients
from automation.cost.schedule import runs_a_month
from automation.cost.usage import MINUTES, Group, Load, Resource, Usage, count, of_type

_CLIENT: Final = "aws:cognito/userPoolClient:UserPoolClient"
_SECRET: Final = "aws:secretsmanager/secret:Secret"  # noqa: S105 - a type
_FUNCTION: Final = "aws:lambda/function:Function"
_RULE: Final = "aws:cloudwatch/eventRule:EventRule"
_IDENTITY: Final = "neo4j-mcp:identity:Identity$"
_ROTATION: Final = "neo4j-mcp:rotation:RotationFunction$"
_CLAIMS_SECONDS: Final = Decimal("0.1")
_ROTATION_SECONDS: Final = Decimal(2)
# The rotation function reads each secret's labels and its value.
_CALLS_PER_SECRET: Final = 2

_usage = partial(Usage, group=Group.CLIENTS)


def usages(resources: Sequence[Resource], load: Load) -> Iterator[Usage]:
    """Count app clients, tokens, secrets and the functions behind them, except the canary's."""
    clients = callers_clients(resources)
    secrets = count(resources, _SECRET) - count(resources, _CLIENT) + len(clients)
    tokens = callers_tokens(resources, load)
    runs = retirements(resources)
    yield _usage(
        what="App clients",
        quantity=Decimal(len(clients)),
        price=prices.APP_CLIENT,
        assumes="Each client, all month",
    )
    yield _usage(
        what="Tokens",
        quantity=tokens,
        price=prices.TOKEN,
        assumes="As --tokens sets"
        if load.tokens is not None
        else f"{load.callers} caller{'s' if load.callers > 1 else ''} of each client, each with a"
        " new token when the last expires",
    )
    for function in of_type(resources, _FUNCTION, within=_IDENTITY):
        each_token = "Once for each token"  # noqa: S105 - words
        yield from _runs(function, "Claims function", tokens, _CLAIMS_SECONDS, each_token)
    yield _usage(
        what="Secrets", quantity=secrets, price=prices.SECRET, assumes="One for each client"
    )
    yield _usage(
        what="Secrets: calls",
        quantity=tokens + runs * secrets * _CALLS_PER_SECRET,
        price=prices.SECRET_CALL,
        assumes=f"One for each token, {_CALLS_PER_SECRET} for each secret in each rotation run",
    )
    for function in of_type(resources, _FUNCTION, within=_ROTATION):
        scheduled = "As the schedule that retires replaced secrets"
        yield from _runs(function, "Rotation function", runs, _ROTATION_SECONDS, scheduled)


def callers_tokens(resources: Sequence[Resource], load: Load) -> Decimal:
    """Return the tokens that callers request in a month, at most one for each call."""
    if load.tokens is not None:
        return load.tokens
    clients = callers_clients(resources)
    lifetimes = (Decimal(int(each.inputs["accessTokenValidity"])) for each in clients)
    return min(load.calls, sum((load.callers * MINUTES / each for each in lifetimes), Decimal()))


def retirements(resources: Sequence[Resource]) -> Decimal:
    """Return how often the rotation function retires replaced secrets in a month."""
    rules = of_type(resources, _RULE, within=_ROTATION)
    return sum((runs_a_month(each.inputs["scheduleExpression"]) for each in rules), Decimal())


def _runs(
    function: Resource, title: str, runs: Decimal, seconds: Decimal, assumes: str
) -> Iterator[Usage]:
    megabytes = int(function.inputs["memorySize"])
    yield _usage(what=f"{title}: runs", quantity=runs, price=prices.INVOCATION, assumes=assumes)
    yield _usage(
        what=f"{title}: memory",
        quantity=runs * seconds * megabytes / 1024,
        price=prices.GIGABYTE_SECOND,
        assumes=f"{megabytes} MB for {seconds} s",
    )
