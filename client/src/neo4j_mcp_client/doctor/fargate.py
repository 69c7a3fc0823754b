"""Reads the state of the server's tasks from the load balancer and from ECS."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from neo4j_mcp_client.doctor.evidence import HostKind, Service

_HEALTHY: Final = "healthy"
_ACTIVE: Final = "ACTIVE"
# The most that DescribeServices takes. Source: DescribeServices in the Amazon ECS API Reference.
_SERVICES: Final = 10


def service_at(aws: Callable[[str], Any], hosts: Collection[str]) -> Service | None:
    """Find the service behind the load balancer with one of the host names; None if there is none.

    Args:
        aws: makes the boto3 client of a service, by the service's name.
    """
    balancing = aws("elbv2")
    balancer = _balancer(balancing, hosts)
    if balancer is None:
        return None
    groups = balancing.describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"]
    for group in groups:
        arn = group["TargetGroupArn"]
        service = _service_of(aws("ecs"), arn)
        if service is not None:
            health = balancing.describe_target_health(TargetGroupArn=arn)
            targets = health["TargetHealthDescriptions"]
            return _service(service, _environment(aws("ecs"), service), targets)
    return None


def _balancer(balancing: Any, hosts: Collection[str]) -> str | None:  # noqa: ANN401 - boto3's own client
    for page in balancing.get_paginator("describe_load_balancers").paginate():
        for balancer in page["LoadBalancers"]:
            # AWS doesn't promise its case, and names have none. Source: RFC 4343, section 3.
            if balancer["DNSName"].lower() in hosts:
                return str(balancer["LoadBalancerArn"])
    return None


def _service_of(ecs: Any, target_group: str) -> dict[str, Any] | None:  # noqa: ANN401 - boto3's own client
    """Find the service that registers its tasks in a target group."""
    for service in _services(ecs):
        used = {each.get("targetGroupArn") for each in service.get("loadBalancers", ())}
        if target_group in used and service["status"] == _ACTIVE:
            return service
    return None


def _services(ecs: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - boto3's own client
    for clusters in ecs.get_paginator("list_clusters").paginate():
        for cluster in clusters["clusterArns"]:
            pages = ecs.get_paginator("list_services").paginate(
                cluster=cluster, PaginationConfig={"PageSize": _SERVICES}
            )
            for page in pages:
                if page["serviceArns"]:
                    yield from ecs.describe_services(cluster=cluster, services=page["serviceArns"])[
                        "services"
                    ]


def _environment(ecs: Any, service: dict[str, Any]) -> dict[str, str]:  # noqa: ANN401 - boto3's own client
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    return {
        variable["name"]: variable["value"]
        for container in task["containerDefinitions"]
        for variable in container.get("environment", ())
    }


def _service(
    service: dict[str, Any], environment: dict[str, str], targets: list[dict[str, Any]]
) -> Service:
    states = Counter(target["TargetHealth"]["State"] for target in targets)
    reasons = {target["TargetHealth"].get("Description") for target in targets}
    parts = [
        f"{service['status']} in the cluster {service['clusterArn'].rpartition('/')[2]}",
        f"{service['runningCount']} of {service['desiredCount']} tasks run",
        "targets: " + (", ".join(f"{states[each]} {each}" for each in sorted(states)) or "none"),
        *sorted(filter(None, reasons)),
        # The newest is first, and says why tasks don't start.
        *(f"last event: {event['message']}" for event in service.get("events", ())[:1]),
    ]
    return Service(
        host=HostKind.FARGATE,
        arn=service["serviceArn"],
        status="; ".join(parts),
        is_paused=service["desiredCount"] == 0,
        is_healthy=states[_HEALTHY] > 0,
        environment=environment,
    )
