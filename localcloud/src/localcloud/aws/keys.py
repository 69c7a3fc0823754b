"""The account's access keys: the stand-in's own, and those that IAM and STS issue."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from localcloud.access_key import AccessKey
from localcloud.aws.refusals import Problem, RefusedError

_EXPIRED: Final = "ExpiredTokenException"

FindIssued = Callable[[str, str], str]
"""Returns the secret of an access key id and a session token, or raises RefusedError."""


class KeyRing:
    """All access keys that can sign requests."""

    def __init__(self, own: Iterable[AccessKey], find_issued: FindIssued) -> None:
        """Combine the keys.

        Args:
            own: the stand-in's own keys, which have no session token.
            find_issued: finds all other keys.
        """
        self._own = {key.key_id: key.secret for key in own}
        self._find_issued = find_issued

    def secret(self, key_id: str, token: str) -> str:
        """Return the secret of an access key.

        Args:
            key_id: the access key id.
            token: the session token in the request; empty without one.

        Raises:
            RefusedError: the key doesn't exist or has expired, or the token is wrong.
        """
        if key_id not in self._own:
            return self._find_issued(key_id, token)
        if token:
            raise RefusedError(Problem.UNKNOWN_KEY)
        return self._own[key_id]


def issued_keys(evaluator: Any) -> FindIssued:  # noqa: ANN401 - a module without types
    """Return a look-up of the keys that ministack's IAM and STS issued.

    Args:
        evaluator: the module ministack.core.iam_evaluator.
    """

    def find(key_id: str, token: str) -> str:
        # ministack takes "test" and the ids of accounts for keys of the root user.
        if evaluator.is_root_access_key(key_id):
            raise RefusedError(Problem.UNKNOWN_KEY)
        found = evaluator.resolve_credential(key_id, session_token=token)
        if isinstance(found, evaluator.CredentialResolutionError):
            expired = found.code == _EXPIRED
            raise RefusedError(Problem.EXPIRED_TOKEN if expired else Problem.UNKNOWN_KEY)
        return str(found.secret_access_key)

    return find
