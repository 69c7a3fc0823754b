"""The callers of a client whose secret is being rotated, at work."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from automation.checks.verdicts import Undecided
from automation.drills.callers import TOKEN_TIMEOUT
from automation.drills.exercise import Exercise
from automation.drills.records import all_succeed, expect_no_failure
from automation.drills.secret_callers import (
    LibraryCaller,
    Numbers,
    SecretKeeper,
    TokenLog,
    count,
    summarize,
)
from automation.drills.traffic import Traffic
from automation.rotation.clients import Client
from neo4j_mcp_client import Neo4jMcp, TokenProvider, source_from_arn

ENOUGH_TOKENS: Final = 3
"""Tokens of a group after which its callers count as having noticed nothing."""

_POLL_SECONDS: Final = 0.2
# Callers renew their token every second, so more calls would show no more.
_PAUSE_SECONDS: Final = 0.5


@dataclass(frozen=True, kw_only=True)
class Group:
    """Callers that take their tokens in the same way.

    Attributes:
        tokens: the tokens that were issued to them; None if nobody can see them.
    """

    who: str
    traffic: Traffic
    tokens: TokenLog | None = None


@dataclass(frozen=True, kw_only=True)
class SecretTraffic:
    """The groups of callers.

    Attributes:
        while_what: what happens to the secret meanwhile, for messages.
        keeper: what the callers that keep their secret share.
        bridge: the calls through the bridge; None if it can't run here.
    """

    exercise: Exercise
    client: Client
    while_what: str
    numbers: Numbers
    keeper: SecretKeeper
    keepers: Group
    library: Group
    bridge: Group | None = None

    @property
    def groups(self) -> Sequence[Group]:
        """All groups."""
        return [self.library, self.keepers, *([self.bridge] if self.bridge else [])]

    @property
    def current_number(self) -> int:
        """The number of the client secret that the secret holds now."""
        return self.numbers.number(self.exercise.context.credentials(self.client.name))

    def wait_for_tokens(self, group: Group, *, secret: int, since: float, times: int) -> None:
        """Wait until a group has new tokens of a client secret.

        Args:
            secret: the client secret's number.
            since: seconds since the drill began.
            times: how many tokens.

        Raises:
            Failed: a call of any group failed.
            Undecided: it hasn't.
        """
        tokens = group.tokens
        if tokens is None:
            raise ValueError(f"nobody sees the tokens of the {group.who}")
        self._wait(
            lambda: count(tokens.issued, secret=secret, since=since) >= times,
            f"the {group.who} have taken no {times} tokens with the client secret {secret}",
        )

    def wait_for_renewal(self, group: Group, *, since: float) -> None:
        """Wait until every caller of a group has succeeded with a token that is newer than a time.

        Args:
            since: seconds since the drill began.

        Raises:
            Failed: a call of any group failed.
            Undecided: too few calls have ended.
        """
        # Later than this, a token that was issued before has expired.
        expired = since + self.exercise.options.token_lifetime
        self._wait(
            lambda: all_succeed(
                group.traffic.records, callers=group.traffic.callers, since=expired, in_a_row=1
            ),
            f"the {group.who} have made no call with a newer token",
        )

    def expect_no_failure(self) -> None:
        """Fail the drill if a call of any group failed.

        Raises:
            Failed: a call failed, or a group made none.
        """
        for group in self.groups:
            expect_no_failure(group.traffic.records, f"{self.while_what} ({group.who})")

    def note_tokens(self) -> None:
        """Keep as evidence when which client secret was used for tokens."""
        found = {
            group.who: summarize(group.tokens.issued)
            for group in self.groups
            if group.tokens is not None
        }
        self.exercise.probe.note("Tokens by client secret", found)

    def _wait(self, condition: Callable[[], bool], otherwise: str) -> None:
        exercise = self.exercise
        limit = exercise.options.limits.recovery + exercise.options.token_lifetime
        deadline = exercise.clock() + limit
        while not condition():
            # A failed call decides at once; what is waited for may then never come.
            self.expect_no_failure()
            if exercise.clock() >= deadline:
                raise Undecided(f"after {limit:g} s, {otherwise}")
            exercise.probe.wait(_POLL_SECONDS)


@contextmanager
def secret_traffic(
    exercise: Exercise, client: Client, while_what: str, *, with_bridge: bool
) -> Iterator[SecretTraffic]:
    """Have callers of a client call during the block; at its end, none may have failed.

    Args:
        while_what: what happens to the secret meanwhile, for messages.
        with_bridge: whether to start the bridge too, if the MCP SDK is installed.

    Raises:
        Failed: a call failed.
    """
    context, clock = exercise.context, exercise.clock
    numbers = Numbers(context.blanker)
    with ExitStack() as stack:
        source = source_from_arn(client.secret_arn)
        provider = TokenProvider(source, timeout=TOKEN_TIMEOUT)
        library_tokens, keeper_tokens = TokenLog(numbers, clock), TokenLog(numbers, clock)
        library = LibraryCaller(
            stack.enter_context(Neo4jMcp(source.current().mcp_url, provider)),
            provider,
            source,
            library_tokens,
            clock,
        )
        keeper = SecretKeeper(
            lambda: context.credentials(client.name), exercise.http, keeper_tokens, clock
        )

        def start(who: str, call: Callable[[], object], tokens: TokenLog | None = None) -> Group:
            traffic = stack.enter_context(exercise.traffic(call, who, pause=_PAUSE_SECONDS))
            return Group(who=who, traffic=traffic, tokens=tokens)

        bridge = _bridge(exercise, client, stack) if with_bridge else None
        callers = SecretTraffic(
            exercise=exercise,
            client=client,
            while_what=while_what,
            numbers=numbers,
            keeper=keeper,
            library=start("callers of the library", library.call, library_tokens),
            keepers=start("callers that keep their secret", keeper.call, keeper_tokens),
            bridge=bridge and start("callers of the bridge", bridge),
        )
        try:
            yield callers
        finally:
            callers.note_tokens()
    callers.expect_no_failure()


def _bridge(exercise: Exercise, client: Client, stack: ExitStack) -> Callable[[], None] | None:
    try:
        from automation.drills.bridge_caller import (  # noqa: PLC0415 - nothing else needs the SDK
            bridge_call,
        )
    except ImportError as error:
        exercise.mark(
            f"the bridge is left out ({error}): to include it, run"
            " .venv/bin/python -m pip install './client[bridge]'"
        )
        return None
    return stack.enter_context(bridge_call(client.secret_arn))
