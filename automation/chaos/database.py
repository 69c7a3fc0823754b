"""The database's address, taken by toxiproxy, so that the network to it can fail."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from automation.chaos.toxiproxy import FaultProxy, Toxiproxy, fault_proxy
from automation.checks.results import Data
from automation.controls import DETOUR_VARIABLE, run
from automation.errors import AutomationError


class DetourError(AutomationError):
    """The database can't be moved to another address; the message says why."""


class _Detour(Data):
    listen: tuple[str, ...]
    upstream: str


@contextmanager
def detoured_database(
    detour: str, resume: str, notify: Callable[[str], object]
) -> Iterator[FaultProxy]:
    """Reach the database through toxiproxy during the block; it restarts before and after.

    Args:
        detour: the command that moves the database to another address.
        resume: the command that moves it back.
        notify: prints a line on the progress.

    Raises:
        AutomationError: the database or toxiproxy doesn't start.
    """
    notify("… Building toxiproxy, if it isn't in the cache yet")
    toxiproxy = Toxiproxy.install()
    try:
        notify("… Restarting the database behind toxiproxy")
        moved = _read(run(detour), detour)
        with fault_proxy(toxiproxy, moved.listen, moved.upstream) as proxy:
            yield proxy
    finally:
        notify("… Restarting the database at its own address")
        run(resume)


def _read(output: str, command: str) -> _Detour:
    try:
        return _Detour.model_validate_json(output)
    except ValidationError as error:
        raise DetourError(
            f"`{command}` ({DETOUR_VARIABLE}) doesn't print the addresses as JSON, as docs/"
            "resilience.md describes"
        ) from error
