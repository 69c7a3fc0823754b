import os
import signal
import threading

import pytest

from automation.drills.signals import Interruptions


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_what_may_be_interrupted(number: signal.Signals) -> None:
    interruptions = Interruptions()
    with interruptions.taken(), pytest.raises(KeyboardInterrupt), interruptions.interruptible():
        os.kill(os.getpid(), number)
    assert interruptions.requested


def test_a_signal_waits_where_things_are_put_back() -> None:
    interruptions = Interruptions()
    put_back = []
    with interruptions.taken():
        with pytest.raises(KeyboardInterrupt), interruptions.interruptible():
            os.kill(os.getpid(), signal.SIGINT)
        # An impatient person's second and third.
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        put_back.append("all")
    assert put_back == ["all"]


def test_a_signal_that_came_before_interrupts_as_soon_as_it_may() -> None:
    interruptions = Interruptions()
    with interruptions.taken():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interruptions.interruptible():
            pytest.fail("the drill went on")


def test_the_handlers_before_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interruptions().taken():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_other_threads_take_no_signals() -> None:
    entered = []

    def work() -> None:
        with Interruptions().taken():
            entered.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert entered == [True]
