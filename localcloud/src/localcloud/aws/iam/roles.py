"""What the policies of roles allow, for what runs as a role without a request of its own."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from localcloud.aws.iam import rules


class Roles:
    """The account's roles, which ministack keeps."""

    def __init__(self, iam: Any, evaluator: Any, account: str) -> None:  # noqa: ANN401 - modules without types
        """Read roles from ministack.

        Args:
            iam: the module ministack.services.iam.
            evaluator: the module ministack.core.iam_evaluator.
            account: the account's id.
        """
        self._iam = iam
        self._evaluator = evaluator
        self._account = account

    @property
    def account(self) -> str:
        """The account's id."""
        return self._account

    def allows(self, role: str, wanted: Mapping[str, str]) -> bool:
        """Return whether a role exists and its policies allow all of some actions.

        Args:
            role: the role's ARN.
            wanted: actions, each with the ARN of its resource.
        """
        documents = self.documents(role)
        return documents is not None and all(
            rules.allows(documents, action, resource, {}) for action, resource in wanted.items()
        )

    def documents(self, role: str) -> list[rules.Document] | None:
        """Return the policies of a role, given its ARN; None if there is no such role."""
        name = role.rpartition("/")[2]
        found = self._iam._roles.get_scoped(self._account, None, name)  # noqa: SLF001  ministack publishes no such place
        if found is None:
            return None
        attached = (
            self._evaluator._resolve_managed_policy_document(arn, self._account)  # noqa: SLF001  the same
            for arn in found.get("AttachedPolicies", [])
        )
        policies = [*(found.get("InlinePolicies") or {}).values(), *attached]
        return [_document(each) for each in policies if each]


def _document(policy: str | Mapping[str, Any]) -> rules.Document:
    if isinstance(policy, str):
        parsed: rules.Document = json.loads(unquote(policy))
        return parsed
    return policy
