"""What a comparison calls: the service as callers reach it, and what is behind it or like it."""

import enum
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2
import neo4j
from botocore.exceptions import BotoCoreError, ClientError

from automation.checks.context import Context
from automation.errors import AutomationError
from automation.hosting.host import aws_of
from automation.hosting.hosts import HOSTS
from automation.load import bolt, threads
from automation.load.comparison import Make, Side
from automation.load.engine import Target, attack
from automation.load.mix import Entry, Mix
from automation.load.outcomes import Failure, Outcome, judge
from automation.load.peer import peer_mix, running_peer
from automation.load.plan import Plan
from automation.load.progress import Progress
from automation.load.tokens import ClientToken, SeveralTokens
from automation.load.vegeta import Vegeta

HOST: Final = "host"
"""The name of the target that callers use."""


class Compared(enum.StrEnum):
    """What the service is compared with."""

    CONTAINER = "container"
    BOLT = "bolt"
    PEER = "peer"
    STATEMENTS = "statements"
    DATABASE = "database"


class UnavailableError(AutomationError):
    """A target can't be called from this machine; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """What can't be found out about a stack.

    Attributes:
        container: the base URL of an instance; None to find one on this machine.
        database: the database's address without the gateway that checks tokens, where there is
            one: on the stand-in.
        credentials: the file with its user's `username` and `password`, as JSON.
    """

    container: str | None = None
    database: str | None = None
    credentials: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Targets:
    """The targets of one stack.

    Attributes:
        tokens: the clients' tokens.
        stopping: set when the calls were interrupted.
        progress: counts the calls.
        most: how many calls may be under way at once, if the plan doesn't say.
        addresses: what isn't in the stack's state.
    """

    context: Context
    vegeta: Vegeta
    mix: Mix
    tokens: SeveralTokens
    stopping: threading.Event = field(repr=False)
    progress: Progress
    most: int
    addresses: Addresses

    def host(self) -> Side:
        """Return the service as callers reach it."""
        return Side(name=HOST, make=self._server(self.context.outputs["mcpUrl"]))

    def open(
        self, wanted: Iterable[Compared], stack: ExitStack
    ) -> tuple[list[Side], Mapping[str, str]]:
        """Open targets until an ExitStack closes, and return those that can't be opened.

        Returns:
            The open targets, and the reasons of the others.
        """
        sides, skipped = [], {}
        openers: Mapping[Compared, Callable[[ExitStack], Make]] = {
            Compared.CONTAINER: self._container,
            Compared.BOLT: self._bolt,
            Compared.PEER: self._peer,
            Compared.STATEMENTS: self._statements,
            Compared.DATABASE: self._database,
        }
        for each in wanted:
            try:
                sides.append(Side(name=each.value, make=openers[each](stack)))
            except (AutomationError, BotoCoreError, ClientError) as error:
                skipped[each.value] = self.context.blanker.blank(str(error))
        return sides, skipped

    def _container(self, _stack: ExitStack) -> Make:
        base = self.addresses.container or self._find_container()
        path = urlsplit(self.context.outputs["mcpUrl"]).path
        return self._server(f"{base.rstrip('/')}{path}")

    def _server(self, url: str) -> Make:
        return self._over_http(
            Target(url=url, token=self.tokens, rejected=self.tokens.reject), self.mix
        )

    def _find_container(self) -> str:
        context = self.context
        host, aws = HOSTS[context.settings.hosting], aws_of(context.client)
        service = host.describe(aws, host.find(aws, context.names))
        endpoint = context.client("lambda").meta.endpoint_url
        with host.instances(service, endpoint) as instances:
            if not instances.are_kept:
                self._start_an_instance()
            for each in instances.running():
                if each.address:
                    return each.address
        raise UnavailableError(
            "no instance of the service can be reached from this machine without its host, as"
            " always on AWS. Leave it out, or name the address of a server that you run, with"
            " --container"
        )

    def _start_an_instance(self) -> None:
        try:
            with self.context.http_client() as http:
                http.get(self.context.outputs["mcpUrl"])
        except httpx2.HTTPError as error:
            raise UnavailableError(f"the service doesn't respond: {error}") from error

    def _bolt(self, stack: ExitStack) -> Make:
        return self._in_threads(self._as_caller(stack).execute)

    def _statements(self, stack: ExitStack) -> Make:
        return self._in_threads(self._as_caller(stack).execute_as_server)

    def _database(self, stack: ExitStack) -> Make:
        uri, path = self.addresses.database, self.addresses.credentials
        if uri is None or path is None:
            raise UnavailableError(
                "--direct-database and --direct-credentials are missing: they name the database"
                " behind a gateway, which Aura doesn't have"
            )
        auth = _read_credentials(path)
        return self._in_threads(self._connected(stack, uri, lambda: auth).execute_as_server)

    def _as_caller(self, stack: ExitStack) -> bolt.Database:
        return self._connected(
            stack, self.context.database_uri, lambda: neo4j.bearer_auth(self.tokens.first().value)
        )

    def _connected(
        self, stack: ExitStack, uri: str, auth: Callable[[], neo4j.Auth]
    ) -> bolt.Database:
        settings = self.context.settings
        return stack.enter_context(
            bolt.connected(
                uri,
                settings.neo4j_database,
                auth,
                self.mix,
                schema_sample_size=settings.schema_sample_size,
                most=self.most,
            )
        )

    def _in_threads(self, execute: threads.Execute) -> Make:
        def counted(entry: Entry, identity: str) -> Failure | None:
            failure = execute(entry, identity)
            self.progress.count(failed=failure is not None)
            return failure

        def make(plan: Plan, run_id: str) -> list[Outcome]:
            return threads.make_calls(
                plan,
                self.mix,
                counted,
                run_id=run_id,
                stopping=self.stopping,
                most=self.most,
            )

        return make

    def _peer(self, stack: ExitStack) -> Make:
        context, settings = self.context, self.context.settings
        mix = peer_mix(self.mix)
        peer = stack.enter_context(
            running_peer(
                uri=context.database_uri,
                database=settings.neo4j_database,
                schema_sample_size=settings.schema_sample_size,
                token=self.tokens.first().value,
            )
        )

        def token() -> ClientToken:
            current = self.tokens.first()
            peer.use(current.value)
            return current

        target = Target(
            url=peer.url,
            token=token,
            rejected=self.tokens.reject,
            socket=peer.socket,
            headers=peer.headers,
        )
        return self._over_http(target, mix)

    def _over_http(self, target: Target, mix: Mix) -> Make:
        target = replace(
            target,
            ended=lambda failed: self.progress.count(failed=failed),
            most=self.most,
            stopping=self.stopping,
        )

        def make(plan: Plan, run_id: str) -> list[Outcome]:
            recorded = attack(self.vegeta, plan, mix, target, run_id=run_id)
            return [judge(each) for each in recorded]

        return make


def _read_credentials(path: Path) -> neo4j.Auth:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        return neo4j.basic_auth(read["username"], read["password"])
    except (OSError, ValueError, KeyError, TypeError):
        # The error's own text could have a part of the file.
        raise UnavailableError(
            f"{path}, named by --direct-credentials, isn't JSON with username and password"
        ) from None
