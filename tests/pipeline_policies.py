"""The policies of the roles that pipelines assume, as `python -m automation role` prints them."""

import json
from collections.abc import Iterable
from typing import Any

from automation.grants import Purpose, StackLocation
from automation.roles import (
    access_log_permissions,
    host_permissions,
    monitoring_permissions,
    permissions,
)
from components.settings import Hosting


def policies(
    purpose: Purpose, location: StackLocation, hosting: Iterable[Hosting]
) -> list[dict[str, Any]]:
    """Return all policies of a role for a stack on some hosts."""
    hosts = tuple(hosting)
    printed = [
        permissions(purpose, location, hosts),
        *(host_permissions(purpose, location, each) for each in hosts),
        access_log_permissions(purpose, location),
        monitoring_permissions(purpose, location, hosts),
    ]
    return [json.loads(each) for each in printed if each]
