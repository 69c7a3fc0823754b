"""The state machine of a Bolt server, as far as a gateway needs it.

The database itself checks the order of transactions and results. The gateway requires a logon
first, and tracks the requests that it has rejected itself.

Source: Neo4j's Bolt protocol documentation, "Server state specification".
"""

from enum import Enum, auto
from typing import Final

from localcloud.aura.handshake import Version
from localcloud.aura.messages import LOGON_VERSION, Request


class Phase(Enum):
    """The state of a client's session."""

    NEGOTIATION = auto()
    AUTHENTICATION = auto()
    AUTHENTICATED = auto()
    FAILED = auto()
    """The gateway rejected a request; everything is ignored until RESET."""
    DEFUNCT = auto()


class Step(Enum):
    """What the gateway does with a message."""

    GREET = auto()
    LOG_ON = auto()
    LOG_OFF = auto()
    AUTHORIZE = auto()
    FORWARD = auto()
    RESET_SESSION = auto()
    IGNORE = auto()
    CLOSE = auto()
    REJECT = auto()


_AFTER_HELLO: Final = frozenset(Request) - {Request.HELLO}


def decide(phase: Phase, tag: int | None, version: Version) -> Step:  # noqa: PLR0911 - one per rule
    """Decide what to do with a client's message.

    Args:
        phase: the state of the session.
        tag: the message's signature byte; None if it has none.
        version: the client's version of Bolt.

    Returns:
        The step; REJECT if the protocol doesn't allow the message in this state.
    """
    if tag == Request.GOODBYE:
        return Step.CLOSE
    if phase is Phase.NEGOTIATION:
        return Step.GREET if tag == Request.HELLO else Step.REJECT
    if phase is Phase.DEFUNCT or tag is None or tag not in _AFTER_HELLO:
        return Step.REJECT
    if tag in {Request.LOGON, Request.LOGOFF} and version < LOGON_VERSION:
        return Step.REJECT
    if phase is Phase.AUTHENTICATION:
        return Step.LOG_ON if tag == Request.LOGON else Step.REJECT
    if tag == Request.RESET:
        return Step.RESET_SESSION
    if phase is Phase.FAILED:
        return Step.IGNORE
    if tag == Request.LOGON:
        return Step.REJECT
    if tag == Request.LOGOFF:
        return Step.LOG_OFF
    return Step.AUTHORIZE if tag in {Request.RUN, Request.BEGIN} else Step.FORWARD
