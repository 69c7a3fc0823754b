"""The preflights of each host, and how to run them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from automation.preflight.app_runner import check_availability
from automation.preflight.findings import Plan, Preflight
from automation.preflight.reserved_concurrency import check_reservation
from automation.sessions import Clients
from components.settings import Hosting

_PREFLIGHTS: Final[Mapping[Hosting, tuple[Preflight, ...]]] = MappingProxyType(
    {
        Hosting.APP_RUNNER: (check_availability,),
        Hosting.LAMBDA: (check_reservation,),
    }
)


def run_preflights(plan: Plan, clients: Clients) -> Iterator[str]:
    """Run the preflights of the stack's host.

    Returns:
        Lines for the user.

    Raises:
        PreflightError: AWS would refuse the deployment.
    """
    for preflight in _PREFLIGHTS.get(plan.settings.hosting, ()):
        yield from preflight(plan, clients)
