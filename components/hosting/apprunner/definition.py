"""What is particular to App Runner. Pure."""

from collections.abc import Iterator

from components import names
from components.hosting.apprunner.alarms import alarms
from components.hosting.apprunner.settings import AppRunnerSettings, conflicts
from components.hosting.definition import Feature, HostDefinition
from components.names import NameRule, ResourceNames
from components.settings import Hosting

# App Runner has been closed to new customers since 2026-04-30, and won't come to other regions.
# Source: "AWS App Runner endpoints and quotas" in the AWS General Reference.
REGIONS = (
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-central-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "us-east-1",
    "us-east-2",
    "us-west-2",
)


def _names(resources: ResourceNames) -> Iterator[tuple[NameRule, str]]:
    yield names.REPOSITORY, resources.repository
    yield names.ROLE, resources.access_role
    yield names.ROLE, resources.instance_role
    yield names.SERVICE, resources.service
    yield names.FUNCTION, resources.log_function
    yield names.ROLE, resources.log_function
    yield names.LOG_GROUP, resources.log_function_log_stem + "0" * names.SUFFIX_LENGTH
    yield names.AUTO_SCALING, resources.auto_scaling
    yield names.OBSERVABILITY, resources.observability
    yield names.VPC_CONNECTOR, resources.vpc_connector(subnets=(), security_groups=())


def _region_problem(region: str) -> str | None:
    if region in REGIONS:
        return None
    return f"must be a region with App Runner: {', '.join(REGIONS)}"


APP_RUNNER = HostDefinition(
    hosting=Hosting.APP_RUNNER,
    title="App Runner",
    settings=AppRunnerSettings,
    conflicts=conflicts,
    names=_names,
    region_problem=_region_problem,
    runs_image=True,
    # Source: "Developing application code" in the AWS App Runner Developer Guide.
    request_seconds=120,
    response_bytes=None,
    requests_per_instance=None,
    challenge_header="www-authenticate",
    outputs=("imageDigest",),
    alarms=alarms,
    idle_cost="the memory of the fewest instances",
    missing={Feature.ACCESS_LOG: "App Runner writes no access log"},
)
