"""Chooses the subnet and the address of a task."""

import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from localcloud.aws.ecs.models import Placement

_RESERVED = 4
"""AWS reserves the first four addresses of a subnet, and the last (VPC user guide)."""


class Placements:
    """Spreads tasks over subnets; each address is in use by one task at most."""

    def __init__(
        self, describe_subnets: Callable[[Sequence[str]], Awaitable[list[dict[str, Any]]]]
    ) -> None:
        """Start with all addresses free.

        Args:
            describe_subnets: describes subnets by their ids, as EC2 does; raises LookupError.
        """
        self._describe_subnets = describe_subnets
        self._used: set[str] = set()

    async def take(self, subnets: Sequence[str], used: Sequence[str]) -> Placement | None:
        """Choose the subnet with the fewest tasks, and an address there.

        Args:
            subnets: the subnets to choose from.
            used: the subnet of each task that runs already.

        Returns:
            None if no subnet has a free address, or one of them no longer exists.
        """
        try:
            described = await self._describe_subnets(subnets)
        except LookupError:
            return None
        for subnet in sorted(described, key=lambda each: used.count(each["SubnetId"])):
            address = self._take_address(subnet["CidrBlock"])
            if address is not None:
                return Placement(
                    subnet=subnet["SubnetId"],
                    availability_zone=subnet["AvailabilityZone"],
                    address=address,
                )
        return None

    def release(self, placement: Placement) -> None:
        """Make a placement's address free again."""
        self._used.discard(placement.address)

    def _take_address(self, cidr: str) -> str | None:
        network = ipaddress.ip_network(cidr)
        for offset in range(_RESERVED, network.num_addresses - 1):
            address = str(network[offset])
            if address not in self._used:
                self._used.add(address)
                return address
        return None
