"""An update plan holds for the run that applies it."""

from typing import Any

import pytest

from automation.update_plan import UNKNOWN, for_another_run

_IMAGE = "docker:index/image:Image"


def plan(kind: str, **difference: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    goal = {"type": kind, "inputDiff": difference, "dependencies": ["x"]}
    return {"manifest": {"version": "3"}, "resourcePlans": {"urn": {"goal": goal, "steps": ["s"]}}}


def difference_of(relaxed: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = relaxed["resourcePlans"]["urn"]["goal"]["inputDiff"]
    return found


def test_the_tag_and_the_login_of_a_new_image_are_not_constrained() -> None:
    new = {"imageName": "r:1", "registry": {"password": "ciphertext"}, "build": {"args": 1}}

    relaxed = for_another_run(plan(_IMAGE, adds=new))

    assert difference_of(relaxed)["adds"] == {
        "imageName": UNKNOWN,
        "registry": UNKNOWN,
        "build": {"args": 1},
    }
    assert difference_of(relaxed)["updates"] == {}


@pytest.mark.parametrize("updates", [{}, {"registry": {"password": "ciphertext"}}])
def test_the_login_of_an_image_that_stays_is_not_constrained(updates: dict[str, Any]) -> None:
    relaxed = for_another_run(plan(_IMAGE, updates=updates))

    assert difference_of(relaxed)["updates"] == {"imageName": UNKNOWN, "registry": UNKNOWN}
    assert difference_of(relaxed)["adds"] == {}


def test_everything_else_stays_as_it_is() -> None:
    original = plan("aws:iam/role:Role", adds={"name": "n", "registry": "r"})
    deleted = {"resourcePlans": {"urn": {"goal": None, "steps": ["delete"]}}}

    assert for_another_run(original) == original
    assert for_another_run(deleted) == deleted
    relaxed = for_another_run(plan(_IMAGE))
    assert relaxed["manifest"] == {"version": "3"}
    assert relaxed["resourcePlans"]["urn"]["steps"] == ["s"]
    assert relaxed["resourcePlans"]["urn"]["goal"]["dependencies"] == ["x"]
