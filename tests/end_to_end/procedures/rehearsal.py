"""Rehearsal: what a procedure's commands run against, and what they must achieve."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from automation.drills.records import Record
from automation.drills.traffic import Traffic
from components.settings import Hosting
from localcloud.paths import Home
from neo4j_mcp_client import Neo4jMcp, source_from_arn
from tests.end_to_end.alarms.monitored import Monitored
from tests.end_to_end.procedures.page import Commands

_CALLERS: Final = 2
_CALLS_TIMEOUT: Final = 120.0


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """One run of a procedure.

    Attributes:
        monitored: the stack, with alarms.
        commands: the procedure's commands.
        folder: an empty folder.
    """

    monitored: Monitored
    commands: Commands
    folder: Path

    @property
    def outputs(self) -> dict[str, Any]:
        return self.monitored.stack.deployment.outputs()

    def secret_arn(self, client: str) -> str:
        """Return the ARN of a client's secret."""
        return str(self.outputs["clients"][client]["secretArn"])

    def client_secret(self, client: str) -> str:
        """Return a client's current client secret."""
        arn = self.secret_arn(client)
        found = self.monitored.aws("secretsmanager").get_secret_value(SecretId=arn)
        return str(json.loads(found["SecretString"])["clientSecret"])

    @contextmanager
    def no_call_fails(self, client: str = "reader") -> Iterator[Traffic]:
        """Keep calling, as the client library does, and require that every call succeeds."""
        outputs = self.outputs
        bundle = str(Home(self.monitored.running.home).certificate_bundle)
        source = source_from_arn(self.secret_arn(client))

        with Neo4jMcp(outputs["mcpUrl"], source, ca_bundle=bundle) as server:

            def call() -> None:
                assert server.read("RETURN 40 + 2 AS answer") == [{"answer": 42}]

            with Traffic(call, callers=_CALLERS, clock=time.monotonic) as traffic:
                wait_for_calls(traffic)
                yield traffic
                wait_for_calls(traffic)
        failed = [each for each in traffic.records if each.failure]
        assert failed == [], failed[:3]


def wait_for_calls(traffic: Traffic) -> None:
    """Wait until calls that began after this have ended."""
    began = time.monotonic()

    def later(record: Record) -> bool:
        return record.began >= began

    assert traffic.wait_until(lambda known: sum(map(later, known)) >= 5, _CALLS_TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """How a section of the page is rehearsed.

    Attributes:
        key: the section's heading.
        rehearse: runs the commands, and requires what they promise.
        hosting: the host that it is for, or on which it is rehearsed.
    """

    key: str
    rehearse: Callable[[Rehearsal], None]
    hosting: Hosting = Hosting.APP_RUNNER
