"""The access keys of the account: the stand-in's own, and those that IAM and STS issued."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from localcloud.access_key import AccessKey
from localcloud.aws.refusals import Problem, RefusedError

_EXPIRED: Final = "ExpiredTokenException"

FindIssued = Callable[[str, str], str]
"""Finds the secret of an access key that IAM or STS issued; raises RefusedError."""


class KeyRing:
    """All access keys that may sign requests."""

    def __init__(self, own: Iterable[AccessKey], find_issued: FindIssued) -> None:
        """Collect the keys.

        Args:
            own: the stand-in's own keys, which have no session token.
            find_issued: finds all other keys.
        """
        self._own = {key.key_id: key.secret for key in own}
        self._find_issued = find_issued

    def secret(self, key_id: str, token: str) -> str:
        """Find the secret that signs with a key.

        Args:
            key_id: the access key id.
            token: the session token that came with it; empty where none came.

        Returns:
            The secret.

        Raises:
            RefusedError: there is no such key, its token is another one, or it has expired.
        """
        if key_id not in self._own:
            return self._find_issued(key_id, token)
        if token:
            raise RefusedError(Problem.UNKNOWN_KEY)
        return self._own[key_id]


def issued_by(evaluator: Any) -> FindIssued:  # noqa: ANN401 - a module without types
    """Find keys where ministack keeps those that its IAM and its STS issued.

    Args:
        evaluator: ministack.core.iam_evaluator.

    Returns:
        Finds the secret of a key.
    """

    def find(key_id: str, token: str) -> str:
        # For ministack, "test" and the ids of accounts are keys of the root user.
        if evaluator.is_root_access_key(key_id):
            raise RefusedError(Problem.UNKNOWN_KEY)
        found = evaluator.resolve_credential(key_id, session_token=token)
        if isinstance(found, evaluator.CredentialResolutionError):
            expired = found.code == _EXPIRED
            raise RefusedError(Problem.EXPIRED_TOKEN if expired else Problem.UNKNOWN_KEY)
        return str(found.secret_access_key)

    return find
