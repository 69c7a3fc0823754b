"""Makes faults while callers write to a stack, and compares the writes with the database."""

import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from automation.chaos.detour import Detour, DetouredMcp, detour_to
from automation.chaos.faults import ChaosFault, Scene
from automation.chaos.figures import RECOVERY
from automation.chaos.token_fault import TokenEndpoint
from automation.chaos.toxiproxy import FaultProxy
from automation.chaos.writers import Run, Writers
from automation.chaos.writes import Expected, Way, find_problems, summarize
from automation.checks.verdicts import Skipped, Undecided, expect
from automation.controls import DETOUR_VARIABLE
from automation.drills.exercise import Exercise
from automation.drills.records import all_have_met
from automation.drills.registry import Drill
from automation.drills.traffic import Traffic
from automation.proxy import Proxy
from neo4j_mcp_client import ClientCredentials, Neo4jMcp, TokenProvider

_PAUSE: Final = 0.01
_STEADY: Final = 10
"""Successful calls in a row after which a fault is over."""
_TOKEN_PATH: Final = "/oauth2/token"  # noqa: S105 - a path


@dataclass(frozen=True, kw_only=True)
class ChaosOptions:
    """How faults are made.

    Attributes:
        client: the client that writes.
        seed: determines everything that isn't fixed.
        writes: how many calls each caller makes before and during a fault.
    """

    client: str
    seed: int
    writes: int = 20


def chaos_drills(
    faults: Sequence[ChaosFault], options: ChaosOptions, network: FaultProxy | None
) -> tuple[Drill, ...]:
    """Make each fault a drill, in an order that the seed determines.

    Args:
        network: the network between the server and the database, if it can be reached.
    """
    order = list(faults)
    random.Random(options.seed).shuffle(order)  # noqa: S311 - nothing secret
    return tuple(
        Drill(
            name=fault.name,
            sentence=f"{fault.what}: no acknowledged write is lost, and every failure has a name",
            touches=fault.touches,
            run=partial(_make_fault, fault=fault, options=options, network=network),
        )
        for fault in order
    )


def _make_fault(
    exercise: Exercise, *, fault: ChaosFault, options: ChaosOptions, network: FaultProxy | None
) -> None:
    if fault.needs_network and network is None:
        raise Skipped(f"{DETOUR_VARIABLE} isn't set to a command that moves the database")
    context, limits = exercise.context, exercise.options.limits
    credentials = context.credentials(options.client)
    chance = random.Random(f"{options.seed} {fault.name}")  # noqa: S311 - nothing secret
    run = Run(
        id=secrets.token_hex(8),
        connect=lambda: context.driver(context.token(options.client)),
        patience=limits.recovery,
    )
    endpoint = TokenEndpoint(exercise.http, credentials.token_url, chance)
    exercise.restore_at_end("the run's nodes are deleted", run.remove)
    with Proxy(endpoint.respond) as proxy, ExitStack() as stack:
        callers = replace(credentials, token_url=proxy.url + _TOKEN_PATH)
        detour = stack.enter_context(detour_to(callers.mcp_url)) if fault.needs_calls else None
        groups = [stack.enter_context(_writers(way, run, callers, detour)) for way in Way]
        run.prepare(groups[0].client, exercise.options.callers)
        with ExitStack() as traffics:
            traffic = [
                traffics.enter_context(
                    exercise.traffic(each, f"callers that {each.way}", pause=_PAUSE)
                )
                for each in groups
            ]
            _wait_for_calls(exercise, traffic, chance.randint(1, options.writes))
            scene = Scene(
                exercise=exercise,
                tokens=endpoint,
                network=network,
                calls=None if detour is None else detour.proxy,
                chance=chance,
            )
            exercise.mark(f"fault: {fault.what}")
            with exercise.phase(fault.what), fault.make(scene):
                _wait_for_calls(exercise, traffic, options.writes)
            ended = exercise.mark("the fault is over")
            with exercise.phase(RECOVERY):
                for each in traffic:
                    exercise.expect_success(each, ended, within=limits.recovery, in_a_row=_STEADY)
            recovered = exercise.mark("every caller's calls succeed again")
    exercise.probe.note("Recovered after", f"{recovered - ended:.1f} s")
    _compare(exercise, groups, run, Expected(kinds=fault.kinds, within=fault.within))


@contextmanager
def _writers(
    way: Way, run: Run, credentials: ClientCredentials, detour: Detour | None
) -> Iterator[Writers]:
    tokens, url = TokenProvider(credentials), credentials.mcp_url
    with (
        Neo4jMcp(url, tokens) if detour is None else DetouredMcp(url, tokens, detour.port) as client
    ):
        yield Writers(way, run, client, tokens)


def _wait_for_calls(exercise: Exercise, traffic: Sequence[Traffic], times: int) -> None:
    """Wait until every caller has made some calls, or one has failed.

    Raises:
        Undecided: one hasn't.
    """
    since, limit = exercise.clock(), exercise.options.limits.too_few_calls
    for each in traffic:
        called = partial(all_have_met, callers=each.callers, since=since, times=times)
        if not each.wait_until(called, limit):
            raise Undecided(f"not every caller has ended {times} calls in {limit:g} s")


def _compare(exercise: Exercise, groups: Sequence[Writers], run: Run, expected: Expected) -> None:
    found = run.find()
    problems = []
    for group in groups:
        attempts = group.attempts
        own = {write: times for write, times in found.items() if group.owns(write)}
        exercise.add_writes(summarize(group.way, attempts, own))
        problems += [
            f"callers that {group.way}: {each}"
            for each in find_problems(group.way, attempts, own, expected)
        ]
    expect(not problems, "; ".join(problems))
