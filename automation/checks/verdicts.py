"""How a check or a drill ends before its end: failed, skipped, or undecided."""


class Failed(Exception):  # noqa: N818  a check fails; the program goes on
    """The deployment is not as it must be; the message says what is wrong."""


class Skipped(Exception):  # noqa: N818 - a verdict, not an error
    """This stack has nothing to look at; the message says why."""


class Undecided(Exception):  # noqa: N818 - a verdict, not an error
    """What was seen in time says neither that all is well nor that it isn't."""


def expect(condition: object, reason: str) -> None:
    """Fail the check unless something is true.

    Args:
        condition: what must be true.
        reason: what is wrong where it isn't.

    Raises:
        Failed: it isn't.
    """
    if not condition:
        raise Failed(reason)


def expect_equal(what: str, found: object, wanted: object) -> None:
    """Fail the check unless a value is the one that the stack's settings ask for.

    Args:
        what: the value's name.
        found: the value.
        wanted: what it must be.

    Raises:
        Failed: it is another.
    """
    expect(found == wanted, f"{what} is {found!r}, and must be {wanted!r}")
