import os
import signal
import subprocess
import sys
import threading

import pytest

from automation.drills.signals import Interruptions


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_interrupts_an_interruptible_block(number: signal.Signals) -> None:
    interruptions = Interruptions()
    with interruptions.handled(), pytest.raises(KeyboardInterrupt), interruptions.interruptible():
        os.kill(os.getpid(), number)
    assert interruptions.requested


def test_a_signal_does_not_interrupt_restoration() -> None:
    interruptions = Interruptions()
    restored = []
    with interruptions.handled():
        with pytest.raises(KeyboardInterrupt), interruptions.interruptible():
            os.kill(os.getpid(), signal.SIGINT)
        # A terminal that closes may send it after a Ctrl-C, and twice.
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        restored.append("all")
    assert restored == ["all"]


@pytest.mark.program
def test_a_second_signal_ends_the_process_during_restoration() -> None:
    program = (
        "import os, signal\n"
        "from automation.drills.signals import Interruptions\n"
        "with Interruptions().handled():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('restoring', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('not reached')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "restoring\n")


def test_an_earlier_signal_interrupts_the_next_interruptible_block() -> None:
    interruptions = Interruptions()
    with interruptions.handled():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt), interruptions.interruptible():
            pytest.fail("the drill went on")


def test_the_previous_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interruptions().handled():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_other_threads_handle_no_signals() -> None:
    entered = []

    def work() -> None:
        with Interruptions().handled():
            entered.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert entered == [True]
