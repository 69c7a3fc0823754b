"""Deploys what the policy has judged, and nothing else.

The preview that is judged is saved as an update plan, and the engine stops before it does anything
that isn't in the plan. What the preview doesn't know yet, such as a policy with the ARN of a
resource that doesn't exist, is judged when the engine begins the step: at the first violation, the
engine starts nothing more.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from automation.deployment import (
    Changes,
    Deployed,
    Deployment,
    DeploymentError,
    InterruptedDeploymentError,
    PlanViolatedError,
    Report,
    Step,
)
from automation.errors import AutomationError
from automation.policy.changes import Violation

# Each attempt knows more than the one before: what it did, and what another deployment did.
_ATTEMPTS: Final = 4

Judge = Callable[[Iterable[Step]], Sequence[Violation]]
JudgeStep = Callable[[Step], Sequence[Violation]]


class PolicyError(AutomationError):
    """A deployment violates the policy.

    Attributes:
        violations: each rule that a resource violates.
        changed: whether something was changed before that was known.
    """

    def __init__(self, violations: Sequence[Violation], *, changed: bool) -> None:
        """Keep the violations."""
        super().__init__("; ".join(map(str, violations)))
        self.violations = tuple(violations)
        self.changed = changed


class JudgedDeployment:
    """A deployment whose preview is judged, and then applied as it was judged."""

    def __init__(
        self, deployment: Deployment, judge: Judge, judge_step: JudgeStep, plan: Path
    ) -> None:
        """Take the policy as functions, and a file for the plan.

        Args:
            deployment: the stack.
            judge: judges the steps of a preview.
            judge_step: judges a step that the engine has begun.
            plan: where the plan is saved; nobody else can read its folder.
        """
        self._deployment = deployment
        self._judge = judge
        self._judge_step = judge_step
        self._plan = plan

    def preview(self) -> Changes:
        """Preview, judge, and save the plan.

        Raises:
            PolicyError: it violates the policy.
            DeploymentError: the configuration or the program is wrong.
        """
        return self._preview(changed=False)

    def _preview(self, *, changed: bool) -> Changes:
        changes = self._deployment.preview(plan=self._plan)
        if found := self._judge(changes.steps):
            raise PolicyError(found, changed=changed)
        return changes

    def up(
        self, report: Report | None = None, on_lock: Callable[[], None] | None = None
    ) -> Deployed:
        """Apply the plan; one that the stack no longer fits is made and judged again.

        That happens if another deployment came between, and if something that the preview didn't
        know turns out to be unchanged, so that less is to be done than was planned.

        Args:
            report, on_lock: see `Deployment.up`.

        Raises:
            PolicyError: the deployment violates the policy.
            DeploymentError: see `Deployment.up`.
        """
        before: list[Changes] = []
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                deployed = self._apply(report, on_lock)
            except PlanViolatedError as error:
                if attempt == _ATTEMPTS:
                    raise DeploymentError(
                        f"{error}\nThe stack {self._deployment.stack} never fit its preview. If"
                        " another deployment is changing it, wait for that to end. Then run:"
                        f" python -m automation deploy --stack {self._deployment.stack}"
                    ) from error
                before.append(error.changes)
                if report:
                    report("The stack doesn't fit the preview any more: previewing again")
                self._preview(changed=True)
            else:
                return replace(deployed, changes=_together([*before, deployed.changes]))
        raise AssertionError  # pragma: no cover  the last attempt returns or raises

    def _apply(self, report: Report | None, on_lock: Callable[[], None] | None) -> Deployed:
        found: list[Violation] = []
        failures: list[Exception] = []

        def judge(step: Step) -> None:
            if failures:
                return
            first = not found
            try:
                found.extend(self._judge_step(step))
            except Exception as failure:  # noqa: BLE001  it would end the engine's events unnoticed
                failures.append(failure)
            if failures or (found and first):
                self._deployment.stop()

        try:
            deployed = self._deployment.up(report, on_lock, plan=self._plan, on_step=judge)
        except InterruptedDeploymentError:
            raise
        except DeploymentError as error:
            _require_none(found, failures, error)
            raise
        _require_none(found, failures)
        return deployed


@contextmanager
def judged(
    deployment: Deployment, judge: Judge, judge_step: JudgeStep
) -> Iterator[JudgedDeployment]:
    """Make a judged deployment, with a folder for its plan that only this user can read."""
    with tempfile.TemporaryDirectory(prefix="neo4j-mcp-plan-") as folder:
        yield JudgedDeployment(deployment, judge, judge_step, Path(folder, "plan.json"))


def _require_none(
    found: Sequence[Violation], failures: Sequence[Exception], cause: Exception | None = None
) -> None:
    if failures:
        raise failures[0]
    if found:
        raise PolicyError(found, changed=True) from cause


def _together(attempts: Sequence[Changes]) -> Changes:
    """Return what several attempts changed, in all."""
    *earlier, last = attempts
    counts = dict(last.counts)
    resources = dict(last.resources)
    steps = {step.urn: step for step in last.steps}
    for attempt in earlier:
        for step in attempt.steps:
            if step.urn in attempt.resources and step.urn not in last.resources:
                resources[step.urn] = attempt.resources[step.urn]
                steps[step.urn] = step
                # The last attempt counts it as unchanged.
                counts[step.operation] = counts.get(step.operation, 0) + 1
                counts["same"] = max(0, counts.get("same", 0) - 1)
    return Changes(counts=counts, resources=resources, steps=tuple(steps.values()))
