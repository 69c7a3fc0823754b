"""Lets functions' environments finish their invocations before they end.

ministack ends all environments of a function that is updated or deleted, in the middle of
invocations too. Lambda lets an environment finish what it handles. Source: "Lambda execution
environment lifecycle" in the AWS Lambda Developer Guide.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

# The longest time limit of a function, and a minute for its start.
_LONGEST: Final = 16 * 60.0
_POLL: Final = 0.05


class Environment(Protocol):
    """An environment, as ministack keeps it.

    Attributes:
        in_use: whether it handles an invocation.
    """

    in_use: bool


End = Callable[[Iterable[Environment | None]], None]


def let_invocations_finish(runtime: Any) -> None:  # noqa: ANN401 - a module without types
    """Make ministack end environments that are in use only when they no longer are.

    Args:
        runtime: the module ministack.core.lambda_runtime.
    """
    runtime.kill_workers = when_idle(runtime.kill_workers)


def when_idle(end: End, *, poll: float = _POLL, longest: float = _LONGEST) -> End:
    """Return a function that ends environments: idle ones at once, the others afterwards.

    Args:
        end: ends environments at once.
        poll: seconds between two looks at an environment in use.
        longest: seconds after which one is ended in the middle of its invocation.
    """

    def end_afterwards(environment: Environment) -> None:
        deadline = time.monotonic() + longest
        while environment.in_use and time.monotonic() < deadline:
            time.sleep(poll)
        end([environment])

    def end_each(environments: Iterable[Environment | None]) -> None:
        found = [each for each in environments if each is not None]
        for busy in (each for each in found if each.in_use):
            # A daemon: the stand-in may stop before.
            threading.Thread(target=end_afterwards, args=(busy,), daemon=True).start()
        end([each for each in found if not each.in_use])

    return end_each
