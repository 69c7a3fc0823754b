"""What is particular to Lambda. Pure."""

from collections.abc import Iterator

from components import names
from components.hosting.definition import Feature, HostDefinition
from components.hosting.lambda_.alarms import alarms
from components.hosting.lambda_.settings import LambdaSettings, conflicts
from components.names import NameRule, ResourceNames
from components.settings import Hosting

# The server ends a call after 60 s, and the handler reports that.
FUNCTION_SECONDS = 80
ALIAS = "live"
"""Name of the alias that callers reach."""
# Source: "Creating and managing Lambda function URLs" in the AWS Lambda Developer Guide.
REGIONS_WITHOUT_URLS = (
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
)


def _names(resources: ResourceNames) -> Iterator[tuple[NameRule, str]]:
    yield names.FUNCTION, resources.server_function
    yield names.ROLE, resources.server_function
    yield names.LOG_GROUP, f"{resources.server_log_stem}{'0' * names.SUFFIX_LENGTH}"


def _region_problem(region: str) -> str | None:
    if region not in REGIONS_WITHOUT_URLS:
        return None
    without = ", ".join(REGIONS_WITHOUT_URLS)
    return f"must be a region with Lambda function URLs, which are missing in {without}"


LAMBDA = HostDefinition(
    hosting=Hosting.LAMBDA,
    title="Lambda",
    settings=LambdaSettings,
    conflicts=conflicts,
    names=_names,
    region_problem=_region_problem,
    runs_image=False,
    # The server's own limit is the shorter one.
    request_seconds=60,
    # Source: "Lambda quotas" in the AWS Lambda Developer Guide.
    response_bytes=6 * 1024 * 1024,
    requests_per_instance=1,
    # A function URL renames the header, as API Gateway does.
    challenge_header="x-amzn-remapped-www-authenticate",
    outputs=("codeSha256",),
    alarms=alarms,
    idle_cost="nothing",
    missing={
        Feature.IMAGE: "Lambda runs a package of files, and no image",
        Feature.ACCESS_LOG: "Lambda writes no access log for a function URL",
        Feature.HEALTH_CHECK: "Lambda checks no instance before it passes a request to it",
    },
)
