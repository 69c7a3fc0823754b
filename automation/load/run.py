"""Makes load on a deployed stack."""

import datetime as dt
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from automation.checks.context import Context
from automation.drills.callers import token_provider
from automation.errors import AutomationError
from automation.hosting.host import aws_of
from automation.hosting.hosts import HOSTS
from automation.load.attribution import GATEWAY, attribute
from automation.load.comparison import Side, compare, ratios, rounds_of
from automation.load.engine import LoadError
from automation.load.instances import count_instances
from automation.load.mix import Mix
from automation.load.plan import Plan
from automation.load.progress import Progress
from automation.load.results import InstanceCount, LoadReport
from automation.load.targets import Addresses, Compared, Targets, UnavailableError
from automation.load.tokens import RenewedToken, SeveralTokens
from automation.load.vegeta import Vegeta
from neo4j_mcp_client import AccessToken, Neo4jMcpError

_LIFETIME: Final = 150.0
"""Seconds for which a token must be valid that is sent: a call's 125 s, and the time that it waits
to be sent."""
_WRITING: Final = frozenset({"publisher", "architect", "admin"})


class ClientChoiceError(AutomationError):
    """No client can make the calls; the message says why."""


def choose_client(stack: str, outputs: Mapping[str, Any], name: str | None, *, writes: bool) -> str:
    """Choose the client that makes the calls.

    Args:
        outputs: the stack's outputs.
        name: the client's name; None for the first one that may make them.
        writes: whether any of the calls writes.

    Raises:
        ClientChoiceError: there is no such client.
    """
    # A stack of an earlier version has no disabled clients.
    enabled: dict[str, Mapping[str, Any]] = {
        each: client for each, client in outputs["clients"].items() if client.get("enabled", True)
    }
    if not enabled:
        raise ClientChoiceError(
            f"Every client of the stack {stack} is disabled. Enable one: pulumi config set --stack"
            f" {stack} --path neo4j-mcp:clients.<name>.enabled true, then pulumi up"
        )
    if name is not None:
        if name not in enabled:
            raise ClientChoiceError(
                f"The stack {stack} has no enabled client {name}, only: {', '.join(enabled)}"
            )
        return name
    for each, client in enabled.items():
        roles = {outputs["scopes"][scope] for scope in client["scopes"]}
        if not writes or roles & _WRITING:
            return each
    raise ClientChoiceError(
        f"No client of the stack {stack} may write, but the mix has writes. Leave them out with"
        " --mix, or give a client a scope whose role may write, in neo4j-mcp:clients"
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """What isn't necessary for a run of load.

    Attributes:
        others: further clients, whose calls take turns with the first one's.
        targets: what else is called, in turn with the service.
        rounds: how many times each target is called.
        addresses: what isn't in the stack's state.
        partial: whether to return what was measured until an interruption.
    """

    others: tuple[str, ...] = ()
    targets: tuple[Compared, ...] = ()
    rounds: int = 1
    addresses: Addresses = field(default_factory=Addresses)
    partial: bool = False


_DEFAULT: Final = Options()


def make_load(
    context: Context,
    plan: Plan,
    mix: Mix,
    *,
    client: str,
    most: int,
    environment: Mapping[str, str],
    notify: Callable[[str], object],
    options: Options = _DEFAULT,
) -> LoadReport:
    """Make load on a stack, as its callers reach it.

    Args:
        client: the client that makes the calls.
        most: how many calls may be under way at once, if the plan doesn't say.
        environment: for the report.
        notify: prints a line on the progress.

    Raises:
        AutomationError: the load can't be made.
        KeyboardInterrupt: it was interrupted, and there is nothing to return.
    """
    notify("… Building vegeta, if it isn't in the cache yet")
    vegeta = Vegeta.install()
    clients = (client, *options.others)
    tokens = SeveralTokens({each: _renewed_token(context, each) for each in clients})
    stopping = threading.Event()
    started, clock = dt.datetime.now(dt.UTC), time.monotonic()
    url = context.outputs["mcpUrl"]
    run_id = started.strftime("%Y%m%dT%H%M%S")
    plans = rounds_of(plan, options.rounds) if options.targets else (plan,)
    progress = Progress(notify)
    front = _front(context)
    with tokens, ExitStack() as stack:
        targets = Targets(
            context=context,
            vegeta=vegeta,
            mix=mix,
            tokens=tokens,
            stopping=stopping,
            progress=progress,
            most=most,
            addresses=options.addresses,
        )
        sides, skipped = targets.open(options.targets, stack)
        for name, reason in skipped.items():
            notify(f"{name}: skipped: {reason}")
        if options.targets:
            require_any(sides)
        sides = [targets.host(), *sides]
        seconds = sum(each.seconds for each in plans) * len(sides)
        notify(f"… Calling {url} as {', '.join(clients)} for {seconds:g} s")
        progress.start(seconds)
        began, clock_began = dt.datetime.now(dt.UTC), time.monotonic()
        runs = compare(
            sides,
            plans,
            run_id=run_id,
            stopping=stopping,
            blank=context.blanker.blank,
            notify=notify,
        )
    if stopping.is_set() and not options.partial:
        raise KeyboardInterrupt
    instances: tuple[InstanceCount, ...] = ()
    if len(runs) == 1:
        # The rounds of a comparison don't follow each other.
        instances, unknown = _instances(context, began, time.monotonic() - clock_began)
        skipped = {**skipped, **unknown}
    more = {
        "token_renewals": tokens.renewals,
        "rejected_tokens": tokens.rejections,
        "instances": instances,
    }
    return LoadReport(
        stack=context.stack,
        started=started,
        seconds=round(time.monotonic() - clock, 1),
        client=", ".join(clients),
        mix={entry.name: entry.weight for entry in mix.entries},
        environment={**environment, "vegeta": vegeta.version, "MCP endpoint": url},
        runs=(runs[0].model_copy(update=more), *runs[1:]),
        ratios=ratios(runs),
        attribution=attribute(runs, front=front, emulated=_emulated(options, front)),
        skipped=skipped,
        interrupted=stopping.is_set(),
    )


def require_any(compared: Sequence[Side]) -> None:
    """Require that the service can be compared with something, before calls are made.

    Raises:
        UnavailableError: no target can be called.
    """
    if not compared:
        raise UnavailableError(
            "There is nothing to compare with: no target of --compare can be called, for the"
            " reasons above. Choose others, or leave --compare out to call the service alone"
        )


def _instances(
    context: Context, started: dt.datetime, seconds: float
) -> tuple[tuple[InstanceCount, ...], Mapping[str, str]]:
    """Return the number of instances over time, or why it isn't known."""
    host, aws = HOSTS[context.settings.hosting], aws_of(context.client)
    try:
        service = host.describe(aws, host.find(aws, context.names))
        metric = host.instance_metric(aws, service)
        return count_instances(aws, metric, started, seconds), {}
    except (AutomationError, BotoCoreError, ClientError) as error:
        return (), {"instances": context.blanker.blank(str(error))}


def _renewed_token(context: Context, client: str) -> RenewedToken:
    provider = token_provider(context.credentials(client))
    issued: dict[str, AccessToken] = {}

    def request() -> str:
        token = provider.token(_LIFETIME)
        context.blanker.learn(token.value)
        issued[token.value] = token
        return token.value

    def discard(token: str) -> None:
        provider.invalidate(issued[token])

    try:
        request()
    except Neo4jMcpError as error:
        raise LoadError(f"There is no token for the client {client}: {error}") from error
    return RenewedToken(request, discard=discard)


def _front(context: Context) -> str:
    front = HOSTS[context.settings.hosting].front
    return front if context.has_direct_address else f"the edge and {front}"


def _emulated(options: Options, front: str) -> frozenset[str]:
    # AWS's own instances are out of reach, so the host of one that was found here is a stand-in.
    return frozenset({GATEWAY} if options.addresses.container else {front, GATEWAY})
