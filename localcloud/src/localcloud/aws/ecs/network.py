"""Whether a task reaches the services that it needs to start. Pure.

Source: the developer guide, Fargate task networking: a task pulls its image over its own network
interface, with a public address or through a NAT gateway. VPC endpoints are not supported here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

_EVERYWHERE = "0.0.0.0/0"
_INTERNET_GATEWAY = "igw-"


def has_way_out(tables: Iterable[Mapping[str, Any]], subnet: str, *, public_ip: bool) -> bool:
    """Return whether a task in a subnet reaches the internet.

    Args:
        tables: the route tables of the subnet's VPC, as EC2 describes them.
        subnet: the subnet's id.
        public_ip: whether the task has a public address.
    """
    by_priority = sorted(tables, key=lambda table: not _is_associated(table, subnet))
    table = next(
        (each for each in by_priority if _is_associated(each, subnet) or _is_main(each)), None
    )
    routes = [] if table is None else table["Routes"]
    route = next((each for each in routes if each.get("DestinationCidrBlock") == _EVERYWHERE), None)
    if route is None or route.get("State", "active") != "active":
        return False
    through_internet_gateway = str(route.get("GatewayId", "")).startswith(_INTERNET_GATEWAY)
    return public_ip or not through_internet_gateway


def _is_associated(table: Mapping[str, Any], subnet: str) -> bool:
    return any(each.get("SubnetId") == subnet for each in table["Associations"])


def _is_main(table: Mapping[str, Any]) -> bool:
    return any(each.get("Main") for each in table["Associations"])
