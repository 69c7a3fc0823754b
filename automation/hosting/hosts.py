"""Every host's operations."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from automation.hosting.apprunner import APP_RUNNER_OPERATIONS
from automation.hosting.host import Desired, HostOperations
from automation.hosting.lambda_ import LAMBDA_OPERATIONS
from components.settings import Hosting

HOSTS: Mapping[Hosting, HostOperations] = MappingProxyType(
    {each.hosting: each for each in (APP_RUNNER_OPERATIONS, LAMBDA_OPERATIONS)}
)
"""The operations, by the value of the configuration key hosting."""


def find_desired(state: Mapping[str, Any]) -> tuple[HostOperations, Desired] | None:
    """Find the service that a stack's state describes, with its host; None if it has none."""
    for resource in state.get("resources") or []:
        if not resource.get("id") or resource.get("delete"):
            continue
        # A URN has the types of the resource and of its parents, between the second pair of colons
        # and the resource's name.
        qualified_type = resource["urn"].split("::")[2]
        for host in HOSTS.values():
            if qualified_type.endswith(host.service_type):
                return host, host.desired(resource, state)
    return None
