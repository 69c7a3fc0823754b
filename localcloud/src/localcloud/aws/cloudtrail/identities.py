"""Who has an access key."""

from collections.abc import Collection
from typing import Any, Final

from localcloud.aws.cloudtrail.models import Identity
from localcloud.aws.cloudtrail.recorder import Identify

_KINDS: Final = {"AssumedRole": "AssumedRole", "User": "IAMUser"}


def identities(root: Collection[str], account: str, evaluator: Any) -> Identify:  # noqa: ANN401 - a module without types
    """Return a look-up of identities by the ids of access keys.

    Args:
        root: the keys of the account's root user.
        account: the account's id. The stand-in's own services sign with it as their key's id; what
            they ask of each other isn't recorded.
        evaluator: the module ministack.core.iam_evaluator, which knows the keys that were issued.
    """

    def identify(key_id: str) -> Identity | None:
        if key_id in root:
            return Identity(
                kind="Root", arn=f"arn:aws:iam::{account}:root", id=account, account=account
            )
        if evaluator.is_root_access_key(key_id):
            return None
        found = evaluator.resolve_credential(key_id)
        if isinstance(found, evaluator.CredentialResolutionError):
            return None
        return Identity(
            kind=_KINDS.get(found.principal_type, found.principal_type),
            arn=found.principal_arn,
            id=found.principal_id,
            account=account,
        )

    return identify
