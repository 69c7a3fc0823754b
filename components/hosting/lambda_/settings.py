"""The configuration keys of Lambda. Pure."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from components.conflicts import Conflict
from components.hosting import keys
from components.settings import HostSettings
from server.releases import Architecture


class LambdaSettings(HostSettings):
    """The configuration keys of Lambda."""

    # Source: lambda MemorySize, and "Configure Lambda function memory" in the AWS Lambda Developer
    # Guide.
    memory: Annotated[keys.Memory, Field(ge=128, le=10_240)] = 512
    # One request at a time runs in each environment, and each has its own connections to the
    # database. 0 reserves nothing, so that the account's own limit applies. By default there are
    # enough for `automation check`, which makes up to 14 calls at the same time.
    max_instances: Annotated[keys.MaxInstances, Field(ge=0, le=1000)] = 20
    architecture: Annotated[
        Architecture,
        Field(description="Processor of the function, x86_64 or arm64, which costs less."),
    ] = Architecture.X86_64
    vpc_connector: keys.VpcConnector = None
    # Of the invocations: the server itself sends none.
    tracing: keys.Tracing = False


def conflicts(_values: Mapping[str, Any]) -> Iterator[Conflict]:
    """Find values that can't be combined; any of Lambda's can."""
    yield from ()
