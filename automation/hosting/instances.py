"""The running instances of a service, where this machine runs them: on the stand-in."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from automation.errors import AutomationError

_POLL = 1.0


class UnreachableError(AutomationError):
    """The instances don't run on this machine."""


def containers_of(image: str) -> AbstractContextManager["Instances"]:
    """Find the containers of an image.

    Args:
        image: its name, with registry and digest, so that it is one deployment's alone.

    Raises:
        UnreachableError: no Docker Engine answers, or its SDK isn't installed.
    """
    try:
        from automation.hosting.containers import containers  # noqa: PLC0415 - nothing else needs Docker's SDK
    except ImportError as error:
        raise UnreachableError("without the Docker SDK no container can be killed") from error
    return containers(image)


@dataclass(frozen=True, kw_only=True)
class Instance:
    """A running instance.

    Attributes:
        id: distinguishes it from others, also from the one that replaces it.
        name: its name on a timeline.
        kill: ends it at once; does nothing if it has ended.
        address: the base URL of the server in it; empty where only its host reaches it.
    """

    id: str
    name: str
    kill: Callable[[], None] = field(repr=False)
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class Instances:
    """The instances of a service.

    Attributes:
        running: lists those that run.
        are_kept: whether the host keeps their number while nobody calls.
    """

    running: Callable[[], Sequence[Instance]]
    are_kept: bool

    def wait_for_running(self, count: int, limit: float) -> Sequence[Instance]:
        """Wait until as many instances run: calls succeed as soon as one does.

        Args:
            limit: the longest wait, in seconds.

        Returns:
            The running instances, fewer than `count` where the limit was reached.
        """
        wait = Retrying(
            retry=retry_if_result(lambda found: len(found) < count),
            stop=stop_after_delay(limit),
            wait=wait_fixed(_POLL),
            retry_error_callback=lambda _: self.running(),
        )
        return wait(self.running)
