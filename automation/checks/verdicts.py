"""How a check or a drill ends early: failed, skipped or undecided."""

from http import HTTPStatus

import httpx2


class Failed(Exception):  # noqa: N818 - a verdict, not an error of this program
    """The stack isn't as it must be; the message says what is wrong."""


class Skipped(Exception):  # noqa: N818 - a verdict, not an error
    """The check doesn't apply to this stack; the message says why."""


class Undecided(Exception):  # noqa: N818 - a verdict, not an error
    """The time ran out before the check could pass or fail."""


def expect(condition: object, reason: str) -> None:
    """Fail the check unless the condition is true.

    Args:
        condition: any object; its truth value counts.
        reason: what is wrong otherwise.

    Raises:
        Failed: the condition is false.
    """
    if not condition:
        raise Failed(reason)


def expect_equal(what: str, found: object, wanted: object) -> None:
    """Fail the check unless a value is the expected one.

    Raises:
        Failed: the values differ.
    """
    expect(found == wanted, f"{what} is {found!r}, and must be {wanted!r}")


def expect_status(what: str, response: httpx2.Response, status: HTTPStatus) -> None:
    """Fail the check unless a response has the expected status.

    Raises:
        Failed: the status is another.
    """
    expect_equal(f"the status of {what}", response.status_code, status.value)
