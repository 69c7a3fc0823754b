"""The configuration keys that several hosts have: one type and one description each. Pure.

A host adds its own range and default.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from components import rules
from components.conflicts import Conflict
from components.settings import (
    Boolean,
    HostSettings,
    SecurityGroupId,
    Settings,
    SubnetId,
    Whole,
)

Cpu = Annotated[Whole, Field(description="CPU units of an instance; 1024 are one vCPU.")]
Memory = Annotated[Whole, Field(description="Memory of an instance in MB.")]
MinInstances = Annotated[Whole, Field(description="Fewest instances.")]
MaxInstances = Annotated[Whole, Field(description="Most instances.")]
Tracing = Annotated[
    Boolean, Field(description="Sends traces of the service's requests to AWS X-Ray.")
]


class VpcConnection(Settings):
    """Where the server's outgoing connections enter a VPC."""

    subnet_ids: Annotated[
        tuple[SubnetId, ...],
        Field(
            min_length=1,
            description="The subnets, preferably in several zones.",
            examples=[["subnet-<id>"]],
        ),
        AfterValidator(rules.distinct),
    ]
    security_group_ids: Annotated[
        tuple[SecurityGroupId, ...],
        Field(
            min_length=1,
            description="The security groups of the connections.",
            examples=[["sg-<id>"]],
        ),
        AfterValidator(rules.distinct),
    ]


VpcConnector = Annotated[
    VpcConnection | None,
    BeforeValidator(rules.empty_is_unset),
    Field(
        description=(
            "Routes the server's connections through a VPC. It has subnetIds and"
            " securityGroupIds. For a database that can't be reached from the internet."
        )
    ),
]


class ImageHostSettings(HostSettings):
    """The keys of every host that runs an image."""

    # One image runs while the next one is pushed: fewer than two would delete one in use.
    image_retention: Annotated[
        Whole, Field(ge=2, le=1000, description="How many images the repository keeps.")
    ] = 10


def size_conflicts(
    values: Mapping[str, Any], sizes: Mapping[int, tuple[int, ...]]
) -> Iterator[Conflict]:
    """Find sizes that a host doesn't offer.

    Args:
        values: the valid fields.
        sizes: what the host offers: CPU units to MB of memory.
    """
    cpu, memory = values.get("cpu"), values.get("memory")
    if cpu is not None and cpu not in sizes:
        offered = ", ".join(map(str, sizes))
        yield Conflict(path=("cpu",), message=f"must be one of {offered} CPU units")
    elif cpu is not None and memory is not None and memory not in sizes[cpu]:
        offered = ", ".join(map(str, sizes[cpu]))
        yield Conflict(
            path=("memory",),
            message=f"must be one of {offered} MB with {cpu} CPU units",
            value=str(sizes[cpu][0]),
        )


def instance_conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    """Find fewest instances that exceed the most."""
    least, most = values.get("min_instances"), values.get("max_instances")
    if least is not None and most is not None and least > most:
        yield Conflict(
            path=("maxInstances",),
            message=f"must be at least minInstances, which is {least}",
            value=str(least),
        )
