"""Every host's operations."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from automation.hosting.apprunner import APP_RUNNER_OPERATIONS
from automation.hosting.fargate import FARGATE_OPERATIONS
from automation.hosting.host import Desired, HostOperations
from automation.hosting.lambda_ import LAMBDA_OPERATIONS
from components.settings import Hosting

HOSTS: Mapping[Hosting, HostOperations] = MappingProxyType(
    {each.hosting: each for each in (APP_RUNNER_OPERATIONS, FARGATE_OPERATIONS, LAMBDA_OPERATIONS)}
)
"""The operations, by the value of the configuration key hosting."""


def find_desired(state: Mapping[str, Any]) -> tuple[tuple[HostOperations, Desired], ...]:
    """Find the services that a stack's state describes, each with its host: two in a move."""
    return tuple(
        (host, host.desired(resource, state))
        for resource in state.get("resources") or []
        if resource.get("id") and not resource.get("delete")
        for host in HOSTS.values()
        # A URN has the types of the resource and of its parents, between the second pair of colons
        # and the resource's name.
        if resource["urn"].split("::")[2].endswith(host.service_type)
    )
