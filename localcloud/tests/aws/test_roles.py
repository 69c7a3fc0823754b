"""What the policies of roles allow."""

import json
from typing import Any

import pytest

from localcloud.aws.iam.roles import Roles

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/writer"
WANTED = {"logs:PutLogEvents": "arn:aws:logs:us-east-1:0:log-group:x:log-stream:y"}


def document(effect: str = "Allow", resource: str = "*") -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Action": "logs:*", "Resource": resource}]}


class Iam:
    """Keeps one role, as ministack does."""

    def __init__(self, *inline: Any, attached: tuple[str, ...] = ()) -> None:  # noqa: ANN401 - text or JSON
        self._role = {
            "InlinePolicies": {str(index): each for index, each in enumerate(inline)},
            "AttachedPolicies": list(attached),
        }
        self._roles = self

    def get_scoped(self, account: str, _region: None, name: str) -> dict[str, Any] | None:
        return self._role if (account, name) == (ACCOUNT, "writer") else None


class Evaluator:
    """Finds one managed policy."""

    @staticmethod
    def _resolve_managed_policy_document(arn: str, _account: str) -> dict[str, Any] | None:
        return document() if arn == "arn:managed" else None


@pytest.mark.parametrize(
    ("iam", "expected"),
    [
        (Iam(document()), True),
        (Iam(json.dumps(document())), True),
        (Iam(attached=("arn:managed",)), True),
        (Iam(), False),
        (Iam(attached=("arn:gone",)), False),
        (Iam(document(resource="arn:aws:logs:us-east-1:0:log-group:other:*")), False),
        (Iam(document("Deny"), attached=("arn:managed",)), False),
    ],
)
def test_inline_and_managed_policies_count(iam: Iam, *, expected: bool) -> None:
    assert Roles(iam, Evaluator, ACCOUNT).allows(ROLE, WANTED) is expected


def test_a_role_that_does_not_exist_allows_nothing() -> None:
    assert not Roles(Iam(document()), Evaluator, ACCOUNT).allows(f"{ROLE}-gone", WANTED)
