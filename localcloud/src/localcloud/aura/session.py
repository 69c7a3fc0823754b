"""What becomes of a client's message: the Bolt server's state machine, as far as a gateway needs.

The database itself is the judge of transactions and streams. The gateway decides who may speak
at all, and answers for a request that it refused itself.

Source: Neo4j's Bolt protocol documentation, "Server state specification".
"""

from enum import Enum, auto
from typing import Final

from localcloud.aura.handshake import Version
from localcloud.aura.messages import LOGON_VERSION, Request


class Phase(Enum):
    """Where a client's session stands."""

    NEGOTIATION = auto()
    AUTHENTICATION = auto()
    AUTHENTICATED = auto()
    FAILED = auto()
    """The gateway refused a request; until RESET everything is ignored."""
    DEFUNCT = auto()


class Step(Enum):
    """What to do with a message."""

    GREET = auto()
    LOG_ON = auto()
    LOG_OFF = auto()
    AUTHORIZE = auto()
    FORWARD = auto()
    RECOVER = auto()
    IGNORE = auto()
    LEAVE = auto()
    REFUSE = auto()


_AFTER_HELLO: Final = frozenset(Request) - {Request.HELLO}


def decide(phase: Phase, tag: int | None, version: Version) -> Step:  # noqa: PLR0911 - one per rule
    """Decide what to do with a client's message.

    Args:
        phase: where the session stands.
        tag: the message's signature byte; None where it has none.
        version: the client's version of Bolt.

    Returns:
        The step; REFUSE where the protocol doesn't allow the message here.
    """
    if tag == Request.GOODBYE:
        return Step.LEAVE
    if phase is Phase.NEGOTIATION:
        return Step.GREET if tag == Request.HELLO else Step.REFUSE
    if phase is Phase.DEFUNCT or tag is None or tag not in _AFTER_HELLO:
        return Step.REFUSE
    if tag in {Request.LOGON, Request.LOGOFF} and version < LOGON_VERSION:
        return Step.REFUSE
    if phase is Phase.AUTHENTICATION:
        return Step.LOG_ON if tag == Request.LOGON else Step.REFUSE
    if tag == Request.RESET:
        return Step.RECOVER
    if phase is Phase.FAILED:
        return Step.IGNORE
    if tag == Request.LOGON:
        return Step.REFUSE
    if tag == Request.LOGOFF:
        return Step.LOG_OFF
    return Step.AUTHORIZE if tag in {Request.RUN, Request.BEGIN} else Step.FORWARD
