"""The configuration keys of App Runner. Pure."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from components.conflicts import Conflict
from components.hosting import keys
from components.hosting.environment import HEALTH_PATH
from components.rules import Pattern
from components.settings import Settings, Whole

# Source: "Compute configuration" in the AWS App Runner Developer Guide: CPU units to MB of memory.
SIZES: Mapping[int, tuple[int, ...]] = {
    256: (512, 1024),
    512: (1024,),
    1024: (2048, 3072, 4096),
    2048: (4096, 6144),
    4096: (8192, 10240, 12288),
}


class HealthCheck(Settings):
    """How the host checks an instance."""

    # Source: apprunner HealthCheckConfiguration.
    protocol: Annotated[
        Literal["HTTP", "TCP"], Field(description="HTTP requests the path; TCP only connects.")
    ] = "HTTP"
    path: Annotated[
        str,
        AfterValidator(Pattern(regex=r"/[!-~]*", words="a path that begins with /", maximum=1024)),
        Field(description="The path that HTTP requests."),
    ] = HEALTH_PATH
    interval: Annotated[Whole, Field(ge=1, le=20, description="Seconds between checks.")] = 10
    timeout: Annotated[Whole, Field(ge=1, le=20, description="Seconds until a check fails.")] = 5
    healthy_threshold: Annotated[
        Whole, Field(ge=1, le=20, description="Successful checks that make an instance healthy.")
    ] = 1
    unhealthy_threshold: Annotated[
        Whole, Field(ge=1, le=20, description="Failed checks that make an instance unhealthy.")
    ] = 5


class AppRunnerSettings(keys.ImageHostSettings):
    """The configuration keys of App Runner."""

    cpu: keys.Cpu = 1024
    memory: keys.Memory = 2048
    # Source: apprunner AutoScalingConfiguration.
    min_instances: Annotated[keys.MinInstances, Field(ge=1, le=25)] = 1
    max_instances: Annotated[keys.MaxInstances, Field(ge=1, le=25)] = 3
    max_concurrency: Annotated[
        Whole,
        Field(
            ge=1,
            le=200,
            description=("Simultaneous requests per instance before another one is started."),
        ),
    ] = 50
    health_check: Annotated[
        HealthCheck,
        Field(
            description=(
                "How instances are checked. It has protocol (HTTP or TCP), path, interval and"
                " timeout (1 to 20 seconds), healthyThreshold and unhealthyThreshold (1 to 20"
                " checks). A part that isn't set keeps its default."
            )
        ),
    ] = HealthCheck()
    vpc_connector: keys.VpcConnector = None
    tracing: keys.Tracing = False


def conflicts(values: Mapping[str, Any]) -> Iterator[Conflict]:
    """Find sizes that App Runner doesn't offer, and fewest instances that exceed the most."""
    yield from keys.size_conflicts(values, SIZES)
    yield from keys.instance_conflicts(values)
