"""Waits for the permissions of a role that was created a moment ago."""

from collections.abc import Callable, Collection
from typing import Any, Final

from botocore.exceptions import ClientError

GRANTED_WITHIN: Final = 60.0
"""Seconds until a new role's policy applies at the latest: IAM is eventually consistent."""
PAUSE: Final = 2.0
"""Seconds between two attempts."""
_ACCESS_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


def error_code(error: ClientError) -> str:
    """Return the code of an error that AWS reported."""
    return str(error.response.get("Error", {}).get("Code", ""))


def call_when_granted(
    operation: Callable[[], dict[str, Any]],
    *,
    is_late: Callable[[], bool],
    wait: Callable[[], None],
    passing: Collection[str] = (),
) -> dict[str, Any]:
    """Call an operation of AWS, and retry while a new role's permissions don't apply yet.

    Args:
        operation: calls it.
        is_late: returns whether a denied call has been retried for long enough.
        wait: waits until the next attempt.
        passing: codes of other errors that pass by themselves.

    Raises:
        ClientError: AWS reported an error.
    """
    while True:
        try:
            return operation()
        except ClientError as error:
            if error_code(error) not in {*_ACCESS_DENIED, *passing} or is_late():
                raise
        wait()
