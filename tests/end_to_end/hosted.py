"""The stack on a host of the test's choice."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from automation.checks.context import Context
from automation.checks.probe import Probe
from automation.controls import Controls
from automation.deployment import Deployment
from automation.drills import DRILLS
from automation.drills.exercise import Exercise, Options
from automation.drills.results import DrillResult
from automation.drills.runner import run
from automation.hosting.host import HostOperations, Service, aws_of
from automation.hosting.hosts import HOSTS
from automation.hosting.instances import Instances
from automation.rollout import roll_out
from automation.target import checked_context
from components.settings import Hosting
from demo.hosts import Choice, choose
from localcloud.cloud import Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK
from tests.repository import ROOT

_KEY: Final = "neo4j-mcp:"
# One instance is enough for the drills' callers, and the load of a test starts more.
_SCALING: Final[Mapping[Hosting, Mapping[str, Any]]] = MappingProxyType(
    {
        Hosting.APP_RUNNER: {"minInstances": 1, "maxInstances": 3, "maxConcurrency": 5},
        Hosting.LAMBDA: {"maxInstances": 50},
    }
)


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """The stack on one host."""

    hosting: Hosting
    running: Cloud
    deployment: Deployment
    file: Path

    @property
    def operations(self) -> HostOperations:
        return HOSTS[self.hosting]

    def configure(self, **settings: object) -> None:
        """Set configuration keys."""
        stack = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        stack["config"] |= {f"{_KEY}{key}": value for key, value in settings.items()}
        self.file.write_text(yaml.safe_dump(stack), encoding="utf-8")

    def deploy(self, **settings: object) -> None:
        """Set configuration keys, and deploy as `automation deploy` does."""
        self.configure(**settings)
        roll_out(self.deployment, self.deployment.aws_clients())

    @property
    def context(self) -> Context:
        return checked_context(self.deployment, STACK, longest_wait=0.0, interleavings=100)

    def service(self) -> Service:
        """Describe the service."""
        aws = aws_of(self.deployment.aws_clients())
        return self.operations.describe(aws, self.operations.find(aws, self.context.names))

    @contextmanager
    def instances(self) -> Iterator[Instances]:
        with self.operations.instances(self.service(), self.running.aws_endpoint) as found:
            yield found

    @contextmanager
    def exercise(self, callers: int = 3) -> Iterator[Exercise]:
        """Make calls as a drill does."""
        context = self.context
        with Probe(context) as probe, context.http_client() as http:
            yield Exercise(
                probe=probe, http=http, controls=Controls(), options=Options(callers=callers)
            )

    def drill(self, name: str) -> DrillResult:
        (result,) = run(
            [DRILLS[name]], self.context, Controls.from_environment(), Options(callers=3)
        )
        return result


@contextmanager
def hosted(hosting: Hosting, running: Cloud, deployment: Deployment) -> Iterator[Hosted]:
    """Move the stack to a host, and restore it at the end."""
    home = Home(running.home)
    file = home.workspace / f"Pulumi.{STACK}.yaml"
    original = file.read_text(encoding="utf-8")
    before = yaml.safe_load(original)
    repository = yaml.safe_load((ROOT / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8"))
    chosen = choose(
        before["config"],
        Choice(host=hosting, edge=None),
        repository=repository["config"] | before["config"],
        database=running.bolt_uri,
    )
    stack = Hosted(hosting=hosting, running=running, deployment=deployment, file=file)
    file.write_text(yaml.safe_dump(before | {"config": dict(chosen)}), encoding="utf-8")
    try:
        stack.deploy(**_SCALING[hosting])
        yield stack
    finally:
        file.write_text(original, encoding="utf-8")
        deployment.up()
