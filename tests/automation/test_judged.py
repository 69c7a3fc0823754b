"""Only what the policy has judged is deployed."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import cast

import pytest

from automation.deployment import (
    Changes,
    Deployed,
    Deployment,
    DeploymentError,
    InterruptedDeploymentError,
    OnStep,
    PlanViolatedError,
    Step,
)
from automation.judged import JudgedDeployment, PolicyError, judged
from automation.policy.changes import Violation

FORBIDDEN = Violation(rule="tags", resource="role", message="lacks the tags Stack")


def step(name: str, operation: str = "create") -> Step:
    return Step(urn=f"urn::x::t::{name}", type="t", operation=operation)


def changes(*steps: Step) -> Changes:
    counts: dict[str, int] = {}
    for each in steps:
        counts[each.operation] = counts.get(each.operation, 0) + 1
    changed = {each.urn: each.operation for each in steps if each.operation != "same"}
    return Changes(counts=counts, resources=changed, steps=steps)


class Engine:
    """A deployment whose previews and runs a test chooses."""

    stack = "dev"

    def __init__(
        self, *runs: Changes | Exception, previews: Sequence[Changes] = (), ends: bool = True
    ) -> None:
        self.runs = list(runs)
        self.previews = list(previews)
        self.plans: list[str] = []
        self.stops = 0
        self._ends = ends

    def preview(self, *, plan: Path) -> Changes:
        found = self.previews.pop(0) if self.previews else changes(step("pool"))
        plan.write_text(f"plan {len(self.plans) + 1}", encoding="utf-8")
        self.plans.append(f"preview of {plan.name}")
        return found

    def up(
        self,
        _report: object = None,
        on_lock: Callable[[], None] | None = None,
        *,
        plan: Path,
        on_step: OnStep,
    ) -> Deployed:
        self.plans.append(plan.read_text(encoding="utf-8"))
        if on_lock:
            on_lock()
        run = self.runs.pop(0)
        done = run.changes if isinstance(run, PlanViolatedError) else run
        for each in done.steps if isinstance(done, Changes) else ():
            on_step(each)
            if self.stops and not self._ends:
                raise DeploymentError("the engine was stopped")
        if isinstance(run, Exception):
            raise run
        return Deployed(changes=run, outputs={"a": 1})

    def stop(self) -> None:
        self.stops += 1


def judge(steps: Iterable[Step]) -> Sequence[Violation]:
    return [FORBIDDEN for each in steps if each.name == "role"]


def judge_step(begun: Step) -> Sequence[Violation]:
    return [FORBIDDEN] if begun.name.startswith("role") else []


@pytest.fixture
def make(tmp_path: Path) -> Callable[[Engine], JudgedDeployment]:
    def made(engine: Engine) -> JudgedDeployment:
        return JudgedDeployment(
            cast("Deployment", engine), judge, judge_step, tmp_path / "plan.json"
        )

    return made


Make = Callable[[Engine], JudgedDeployment]


def test_what_was_judged_is_applied(make: Make) -> None:
    engine = Engine(changes(step("pool")))
    deployment = make(engine)

    planned = deployment.preview()
    deployed = deployment.up()

    assert planned.resources == deployed.changes.resources == {"urn::x::t::pool": "create"}
    assert engine.plans == ["preview of plan.json", "plan 1"]


def test_a_preview_that_violates_the_policy_is_not_applied(make: Make) -> None:
    engine = Engine(previews=[changes(step("role"))])

    with pytest.raises(PolicyError, match="role lacks the tags Stack") as raised:
        make(engine).preview()

    assert raised.value.violations == (FORBIDDEN,)
    assert not raised.value.changed


def test_a_stack_that_no_longer_fits_the_plan_is_judged_again(make: Make) -> None:
    changed = changes(step("pool"), step("log", "update"))
    engine = Engine(
        PlanViolatedError("x violates plan: y", changed),
        changes(step("pool", "same"), step("log", "same"), step("claims")),
    )
    deployment, lines, locks = make(engine), list[str](), list[int]()
    deployment.preview()

    deployed = deployment.up(lines.append, lambda: locks.append(1))

    assert lines == ["The stack doesn't fit the preview any more: previewing again"]
    assert engine.plans[1:] == ["plan 1", "preview of plan.json", "plan 3"]
    assert len(locks) == 2
    # What both attempts changed is reported.
    assert deployed.changes.counts == {"create": 2, "update": 1, "same": 0}
    assert set(deployed.changes.resources) == {
        "urn::x::t::pool",
        "urn::x::t::log",
        "urn::x::t::claims",
    }


def test_the_second_preview_can_violate_the_policy_too(make: Make) -> None:
    engine = Engine(
        PlanViolatedError("x violates plan: y", changes()),
        previews=[changes(step("pool")), changes(step("role"))],
    )
    deployment = make(engine)
    deployment.preview()

    with pytest.raises(PolicyError) as raised:
        deployment.up()

    assert raised.value.changed


def test_a_plan_that_never_fits_is_an_error(make: Make) -> None:
    engine = Engine(*(PlanViolatedError("x violates plan: y", changes()) for _ in range(9)))
    deployment = make(engine)
    deployment.preview()

    with pytest.raises(DeploymentError, match="violates plan") as raised:
        deployment.up()

    assert "run: python -m automation deploy --stack dev" in str(raised.value)
    assert len(engine.runs) == 5


@pytest.mark.parametrize("ends", [True, False], ids=["too late", "in time"])
def test_the_engine_is_stopped_once_at_the_first_violation(make: Make, *, ends: bool) -> None:
    begun = changes(step("pool"), step("role-1"), step("role-2"))
    engine = Engine(begun, ends=ends)
    deployment = make(engine)
    deployment.preview()

    with pytest.raises(PolicyError) as raised:
        deployment.up()

    assert engine.stops == 1
    assert raised.value.changed
    assert len(raised.value.violations) == (2 if ends else 1)


@pytest.mark.parametrize("ends", [True, False], ids=["too late", "in time"])
def test_a_rule_that_fails_stops_the_engine_and_is_raised(tmp_path: Path, *, ends: bool) -> None:
    def fail(_: Step) -> Sequence[Violation]:
        raise KeyError("Statement")

    engine = Engine(changes(step("pool"), step("log")), ends=ends)
    deployment = JudgedDeployment(cast("Deployment", engine), judge, fail, tmp_path / "plan.json")
    deployment.preview()

    with pytest.raises(KeyError, match="Statement"):
        deployment.up()

    assert engine.stops == 1


@pytest.mark.parametrize("error", [DeploymentError("no quota"), InterruptedDeploymentError("x")])
def test_other_errors_stay_as_they_are(make: Make, error: DeploymentError) -> None:
    deployment = make(Engine(error))
    deployment.preview()

    with pytest.raises(type(error)) as raised:
        deployment.up()

    assert raised.value is error


def test_nobody_else_can_read_the_plan_and_it_does_not_stay() -> None:
    engine = Engine(changes(step("pool")))
    folders: list[Path] = []

    class Recording(Engine):
        def preview(self, *, plan: Path) -> Changes:
            folders.append(plan.parent)
            assert plan.parent.stat().st_mode & 0o777 == 0o700
            return engine.preview(plan=plan)

    with judged(cast("Deployment", Recording()), judge, judge_step) as deployment:
        deployment.preview()
        assert [each.name for each in folders[0].iterdir()] == ["plan.json"]

    assert not folders[0].exists()
