"""Which client makes the calls, and whether there is something to compare with."""

from typing import Any

import pytest

from automation.load.comparison import Side
from automation.load.run import ClientChoiceError, choose_client, require_any
from automation.load.targets import UnavailableError

OUTPUTS: dict[str, Any] = {
    "clients": {
        "old": {"scopes": ["w"], "enabled": False},
        "reader": {"scopes": ["r"], "enabled": True},
        "writer": {"scopes": ["r", "w"]},
    },
    "scopes": {"r": "reader", "w": "publisher"},
}


@pytest.mark.parametrize(
    ("name", "writes", "expected"),
    [
        (None, False, "reader"),
        (None, True, "writer"),
        ("writer", False, "writer"),
        # A caller's choice: what it may not do is part of the results.
        ("reader", True, "reader"),
    ],
)
def test_the_first_client_that_may_make_the_calls_is_chosen(
    name: str | None, expected: str, *, writes: bool
) -> None:
    assert choose_client("dev", OUTPUTS, name, writes=writes) == expected


@pytest.mark.parametrize("name", ["old", "unknown"])
def test_a_client_that_cannot_call_is_refused(name: str) -> None:
    with pytest.raises(ClientChoiceError, match=f"no enabled client {name}, only: reader, writer"):
        choose_client("dev", OUTPUTS, name, writes=False)


def test_writes_need_a_client_that_may_write() -> None:
    clients = {"reader": OUTPUTS["clients"]["reader"]}
    with pytest.raises(ClientChoiceError, match="No client of the stack dev may write"):
        choose_client("dev", {**OUTPUTS, "clients": clients}, None, writes=True)


def test_a_stack_without_enabled_clients_is_refused() -> None:
    clients = {"old": OUTPUTS["clients"]["old"]}
    with pytest.raises(ClientChoiceError, match="Every client of the stack dev is disabled"):
        choose_client("dev", {**OUTPUTS, "clients": clients}, None, writes=False)


def test_without_a_target_to_compare_with_no_call_is_made() -> None:
    with pytest.raises(UnavailableError, match="nothing to compare with"):
        require_any([])
    require_any([Side(name="bolt", make=lambda _plan, _run_id: ())])
