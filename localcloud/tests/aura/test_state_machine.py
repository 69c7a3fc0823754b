import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.aura.handshake import Version
from localcloud.aura.messages import Request
from localcloud.aura.state_machine import Phase, Step, decide

NEW = Version(5, 8)
OLD = Version(4, 4)


@pytest.mark.parametrize(
    ("phase", "tag", "version", "step"),
    [
        (Phase.NEGOTIATION, Request.HELLO, NEW, Step.GREET),
        (Phase.NEGOTIATION, Request.LOGON, NEW, Step.REJECT),
        (Phase.NEGOTIATION, Request.RUN, OLD, Step.REJECT),
        (Phase.AUTHENTICATION, Request.LOGON, NEW, Step.LOG_ON),
        (Phase.AUTHENTICATION, Request.RUN, NEW, Step.REJECT),
        (Phase.AUTHENTICATION, Request.RESET, NEW, Step.REJECT),
        (Phase.AUTHENTICATION, Request.ROUTE, NEW, Step.REJECT),
        (Phase.AUTHENTICATED, Request.LOGOFF, NEW, Step.LOG_OFF),
        (Phase.AUTHENTICATED, Request.LOGON, NEW, Step.REJECT),
        (Phase.AUTHENTICATED, Request.LOGOFF, OLD, Step.REJECT),
        (Phase.AUTHENTICATED, Request.HELLO, NEW, Step.REJECT),
        (Phase.AUTHENTICATED, Request.RUN, NEW, Step.AUTHORIZE),
        (Phase.AUTHENTICATED, Request.BEGIN, OLD, Step.AUTHORIZE),
        (Phase.AUTHENTICATED, Request.PULL, NEW, Step.FORWARD),
        (Phase.AUTHENTICATED, Request.ROUTE, NEW, Step.FORWARD),
        (Phase.AUTHENTICATED, Request.TELEMETRY, NEW, Step.FORWARD),
        (Phase.AUTHENTICATED, Request.RESET, NEW, Step.RESET_SESSION),
        (Phase.AUTHENTICATED, 0x55, NEW, Step.REJECT),
        (Phase.AUTHENTICATED, None, NEW, Step.REJECT),
        (Phase.FAILED, Request.RUN, NEW, Step.IGNORE),
        (Phase.FAILED, Request.PULL, NEW, Step.IGNORE),
        (Phase.FAILED, Request.LOGOFF, NEW, Step.IGNORE),
        (Phase.FAILED, Request.RESET, NEW, Step.RESET_SESSION),
    ],
)
def test_each_phase_accepts_its_messages(
    phase: Phase, tag: int | None, version: Version, step: Step
) -> None:
    assert decide(phase, tag, version) is step


@pytest.mark.parametrize("phase", Phase)
def test_a_client_may_always_say_goodbye(phase: Phase) -> None:
    assert decide(phase, Request.GOODBYE, NEW) is Step.CLOSE


@given(st.sampled_from([Phase.NEGOTIATION, Phase.AUTHENTICATION]), st.integers(0, 255))
def test_nobody_reaches_the_database_before_logging_on(phase: Phase, tag: int) -> None:
    assert decide(phase, tag, NEW) not in {Step.FORWARD, Step.AUTHORIZE, Step.RESET_SESSION}
