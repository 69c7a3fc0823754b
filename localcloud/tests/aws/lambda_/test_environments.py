import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from localcloud.aws.lambda_.environments import Environment, when_idle


@dataclass
class Fake:
    in_use: bool
    ended: threading.Event = field(default_factory=threading.Event)


def end(environments: Iterable[Environment | None]) -> None:
    for each in environments:
        assert isinstance(each, Fake)
        each.ended.set()


def test_an_idle_environment_ends_at_once_and_a_busy_one_after_its_invocation() -> None:
    idle, busy = Fake(in_use=False), Fake(in_use=True)

    when_idle(end, poll=0.001)([idle, None, busy])

    assert idle.ended.is_set()
    assert not busy.ended.wait(0.05)
    busy.in_use = False
    assert busy.ended.wait(10)


def test_an_invocation_without_an_end_is_cut_off_after_the_limit() -> None:
    stuck = Fake(in_use=True)

    when_idle(end, poll=0.001, longest=0.01)([stuck])

    assert stuck.ended.wait(10)
