"""The stack on a host of the test's choice."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

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
from demo.hosts import LOCAL_DOMAIN, Choice, choose, needs_domain, with_domain
from demo.stand_in import find_certificate, free_port
from localcloud.aws.control import ControlClient
from localcloud.cloud import REGION, Cloud
from localcloud.paths import Home
from localcloud.workspace import STACK, read_config, read_repository_config, write_config

_KEY: Final = "neo4j-mcp:"
# One instance is enough for the drills' callers, and the load of a test starts more.
_SCALING: Final[Mapping[Hosting, Mapping[str, Any]]] = MappingProxyType(
    {
        Hosting.APP_RUNNER: {"minInstances": 1, "maxInstances": 3, "maxConcurrency": 5},
        Hosting.FARGATE: {"minInstances": 1, "maxInstances": 3, "requestsPerTarget": 60},
        Hosting.LAMBDA: {"maxInstances": 50},
    }
)


@dataclass(frozen=True, kw_only=True)
class Hosted:
    """The stack on one host."""

    hosting: Hosting
    running: Cloud
    deployment: Deployment
    workspace: Path

    @property
    def operations(self) -> HostOperations:
        return HOSTS[self.hosting]

    def configure(self, **settings: object) -> None:
        """Set configuration keys."""
        changed = {f"{_KEY}{key}": value for key, value in settings.items()}
        write_config(self.workspace, {**read_config(self.workspace), **changed})

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

    def shorten_scaling(self, *, seconds: int) -> None:
        """Make the stand-in's scaling take a number of seconds for a minute."""
        control = ControlClient(
            url=self.running.aws_endpoint, region=REGION, key=self.running.access_key()
        )
        control.call("SetScalingMinute", Seconds=seconds)

    def drill(self, name: str) -> DrillResult:
        (result,) = run(
            [DRILLS[name]], self.context, Controls.from_environment(), Options(callers=3)
        )
        return result


@contextmanager
def hosted(hosting: Hosting, running: Cloud, deployment: Deployment) -> Iterator[Hosted]:
    """Move the stack to a host, and restore it at the end."""
    workspace = Home(running.home).workspace
    before = read_config(workspace)
    chosen = choose(
        before,
        Choice(host=hosting, edge=None),
        repository=read_repository_config(workspace),
        database=running.bolt_uri,
    )
    if needs_domain(chosen):
        certificate = find_certificate(running, LOCAL_DOMAIN)
        chosen = with_domain(chosen, certificate=certificate, port=free_port(running))
    stack = Hosted(hosting=hosting, running=running, deployment=deployment, workspace=workspace)
    write_config(workspace, chosen)
    try:
        stack.deploy(**_SCALING[hosting])
        yield stack
    finally:
        write_config(workspace, before)
        deployment.up()
