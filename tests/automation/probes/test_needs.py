"""Which stack a probe needs, and what is announced of a run on another one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from automation.commands import app
from automation.probes.needs import NOT_DEPLOYED, DeployedStack
from automation.probes.registry import PROBES
from automation.probes.runner import missing_for
from automation.probes.sandbox import Surroundings
from tests.automation.probes.made_up import make_surroundings

_OUTPUTS = {"mcpUrl": "https://service.example/mcp"}
_EDGE = {"edgeUrl": "https://edge.example/mcp"}
_APP_RUNNER = DeployedStack(outputs=_OUTPUTS, service_arn="arn:service")
_FARGATE = DeployedStack(outputs={**_OUTPUTS, **_EDGE}, load_balancer_arn="arn:load-balancer")
_INTERNAL = DeployedStack(
    outputs={"mcpUrl": _EDGE["edgeUrl"], **_EDGE}, load_balancer_arn="arn:load-balancer"
)
_LAMBDA = DeployedStack(outputs=_OUTPUTS)


@pytest.mark.parametrize(
    ("key", "stack", "reason"),
    [
        ("sts-signatures", None, ""),
        ("apprunner-idle-limits", None, NOT_DEPLOYED),
        ("apprunner-idle-limits", _APP_RUNNER, ""),
        ("apprunner-idle-limits", _LAMBDA, "the stack's host isn't App Runner"),
        ("elb-defaults", _FARGATE, ""),
        ("elb-defaults", _INTERNAL, ""),
        ("elb-defaults", _APP_RUNNER, "the stack's host isn't Fargate"),
        ("elb-idle-limits", _FARGATE, ""),
        ("elb-idle-limits", _INTERNAL, "the stack has no load balancer that callers reach"),
        ("elb-idle-limits", _LAMBDA, "the stack has no load balancer that callers reach"),
        ("edge-refused-requests", _FARGATE, ""),
        ("edge-refused-requests", _APP_RUNNER, "the stack has no edge"),
    ],
)
def test_a_probe_runs_on_a_stack_that_has_what_it_reads(
    key: str, stack: DeployedStack | None, reason: str
) -> None:
    assert missing_for(PROBES[key], stack) == reason


def _announced(monkeypatch: pytest.MonkeyPatch, stack: DeployedStack, *options: str) -> list[str]:
    @contextmanager
    def surroundings(_deployment: object) -> Iterator[Surroundings]:
        yield make_surroundings(stack=stack)

    monkeypatch.setattr("automation.commands.probing.Deployment", lambda *_, **__: None)
    monkeypatch.setattr("automation.commands.probing.surroundings", surroundings)
    monkeypatch.setattr("automation.commands.probing.run", lambda *_, **__: iter(()))
    done = CliRunner().invoke(
        app, ["probe", "--stack", "dev", "--yes", *options], env={"COLUMNS": "300", "TERM": "dumb"}
    )
    assert done.exit_code == 0
    return done.stdout.splitlines()


def test_only_what_will_run_is_announced_and_the_rest_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patterns = ("--only", "elb-*", "--only", "apprunner-[ios]*", "--only", "edge-*")
    lines = _announced(monkeypatch, _INTERNAL, *patterns)
    assert [line.split()[0] for line in lines[1:4]] == [
        "apprunner-out-of-range",
        "elb-defaults",
        "edge-refused-requests",
    ]
    assert lines[4:8] == [
        "Left out, as callers may notice it (--disruptive): apprunner-second-operation",
        (
            "Left out, as the stack's host isn't App Runner: apprunner-other-host-name,"
            " apprunner-idle-limits"
        ),
        "Left out, as the stack has no load balancer that callers reach: elb-idle-limits",
        "3 probes take about 1 min on AWS and cost at most 0.00 USD.",
    ]


def test_without_a_probe_that_can_run_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = _announced(monkeypatch, _LAMBDA, "--only", "edge-*", "--only", "elb-defaults")
    assert "No probe runs." in lines
