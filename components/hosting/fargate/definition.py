"""What is particular to Fargate. Pure."""

from collections.abc import Iterator

from components import names
from components.hosting.definition import HostDefinition
from components.hosting.fargate.alarms import alarms
from components.hosting.fargate.settings import FargateSettings, conflicts
from components.names import NameRule, ResourceNames
from components.settings import Hosting


def _names(resources: ResourceNames) -> Iterator[tuple[NameRule, str]]:
    yield names.REPOSITORY, resources.repository
    yield names.ROLE, resources.task_execution_role
    yield names.ROLE, resources.task_role
    yield names.CLUSTER, resources.cluster
    yield names.CONTAINER_SERVICE, resources.container_service
    yield names.TASK_FAMILY, resources.task_family
    yield names.LOG_GROUP, f"{resources.task_log_stem}{'0' * names.SUFFIX_LENGTH}"
    yield names.LOG_DELIVERY, resources.load_balancer_log_delivery
    yield names.LOG_GROUP, f"{resources.load_balancer_log_stem}{'0' * names.SUFFIX_LENGTH}"
    yield names.LOAD_BALANCER, resources.load_balancer(vpc_id="", internal=False)
    yield names.SECURITY_GROUP, resources.load_balancer_security_group
    yield names.SECURITY_GROUP, resources.task_security_group


def _region_problem(_region: str) -> None:
    """Accept every region: Fargate and Application Load Balancers are in all of them."""


FARGATE = HostDefinition(
    hosting=Hosting.FARGATE,
    title="Fargate",
    settings=FargateSettings,
    conflicts=conflicts,
    names=_names,
    region_problem=_region_problem,
    runs_image=True,
    # The server's own limit is the shorter one: the load balancer waits 75 s.
    request_seconds=60,
    response_bytes=None,
    requests_per_instance=None,
    challenge_header="www-authenticate",
    outputs=("imageDigest", "serviceDomainTarget"),
    alarms=alarms,
    idle_cost="the load balancer, its public addresses and the fewest instances",
)
