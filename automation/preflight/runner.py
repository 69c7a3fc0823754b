"""The preflights of each host, and how to run them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from automation.preflight.app_runner import check_availability
from automation.preflight.findings import Plan, Preflight
from automation.preflight.network import check_network
from automation.preflight.reserved_concurrency import check_reservation
from automation.preflight.service_domain import check_certificate, check_zone
from automation.preflight.vpc_origin import check_vpc_origin
from automation.sessions import Clients
from components.settings import Hosting

_PREFLIGHTS: Final[Mapping[Hosting, tuple[Preflight, ...]]] = MappingProxyType(
    {
        Hosting.APP_RUNNER: (check_availability, check_network),
        Hosting.FARGATE: (check_certificate, check_zone, check_vpc_origin),
        Hosting.LAMBDA: (check_reservation, check_network),
    }
)


def run_preflights(plan: Plan, clients: Clients) -> Iterator[str]:
    """Run the preflights of the stack's host, and of the other one while the stack moves.

    Returns:
        Lines for the user.

    Raises:
        PreflightError: AWS would refuse the deployment, or callers the server.
    """
    others = (plan.settings.on_other_host(),) if plan.settings.other else ()
    for settings in (plan.settings, *others):
        for preflight in _PREFLIGHTS.get(settings.hosting, ()):
            yield from preflight(replace(plan, settings=settings), clients)
