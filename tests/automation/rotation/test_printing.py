"""What people read about the clients' secrets after a command."""

import io
from datetime import UTC, datetime
from typing import cast

import pytest

from automation.deployment import Deployment, DeploymentError
from automation.report.terminal import print_rotations
from automation.rotation.results import Outcome, Rotation
from automation.rotation.stack import deployed_outputs
from automation.terminal import console

MOMENT = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


def _printed(*rotations: Rotation) -> str:
    written = io.StringIO()
    print_rotations(rotations, console(file=written, width=120))
    return written.getvalue()


def test_a_rotation_is_printed_with_the_end_of_the_replaced_client_secret() -> None:
    printed = _printed(
        Rotation(
            client="writer",
            client_id="id1",
            outcome=Outcome.ROTATED,
            previous="id1--1",
            current="id1--2",
            previous_ends=MOMENT,
        )
    )
    (row,) = (line for line in printed.splitlines() if "│ writer" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "writer",
        "rotated",
        "id1--2",
        "2026-03-01 12:00 UTC",
    ]
    assert "writer: callers that keep the secret have to read it again until then." in printed


def test_a_revocation_is_printed_with_an_end_that_no_token_outlives() -> None:
    revoked = Rotation(client="writer", client_id="id1", outcome=Outcome.REVOKED, tokens_end=MOMENT)
    printed = _printed(revoked)
    # Half a minute past 12:00 is not over at 12:00.
    assert "expires by 2026-03-01 12:01 UTC" in printed
    assert "remove id1 from the audience" in printed


def test_a_reason_is_printed_with_its_client() -> None:
    printed = _printed(
        Rotation(client="reader", client_id="id2", outcome=Outcome.SKIPPED, reason="it is disabled")
    )
    assert "reader: it is disabled\n" in printed


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({}, "The stack dev isn't deployed. Run: python -m automation deploy --stack dev"),
        ({"clients": {}}, "The stack dev has no rotation function. Run:"),
    ],
    ids=["not deployed", "an earlier version"],
)
def test_a_stack_without_a_rotation_function_is_refused(
    outputs: dict[str, object], message: str
) -> None:
    class Stack:
        stack = "dev"

        def outputs(self) -> dict[str, object]:
            return outputs

    with pytest.raises(DeploymentError) as raised:
        deployed_outputs(cast("Deployment", Stack()))
    assert str(raised.value).startswith(message)
