"""ECS's service on Fargate, behind a load balancer.

ECS rolls a failed deployment back, and Pulumi's provider reports that. What the service runs is its
task definition: the image, the environment and the size.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.grants import HostAccess, StackLocation
from automation.hosting.fargate_grants import fargate_grants, vpc_origin_grants
from automation.hosting.host import (
    Aws,
    Desired,
    Event,
    Fact,
    HostOperations,
    InstanceMetric,
    NoServiceError,
    Operation,
    Service,
)
from automation.hosting.instances import Instances, containers_of
from automation.hosting.logs import log_end
from automation.hosting.repository import digest_of
from automation.waiting import is_not_found
from components import policies
from components.hosting.environment import HEALTH_PATH, PORT
from components.hosting.fargate.alarms import BALANCER_NAMESPACE
from components.hosting.fargate.settings import FargateSettings
from components.hosting.fargate.task import STOP_SECONDS
from components.names import ResourceNames
from components.settings import Hosting, StackSettings

_TASK_DEFINITION: Final = "aws:ecs/taskDefinition:TaskDefinition"
_IN_PROGRESS: Final = frozenset(
    {
        "PENDING",
        "IN_PROGRESS",
        "STOP_REQUESTED",
        "ROLLBACK_REQUESTED",
        "ROLLBACK_IN_PROGRESS",
    }
)
_EVENTS: Final = 5
# The maximum of DescribeTasks is 100.
_TASKS: Final = 5


def _find(aws: Aws, names: ResourceNames) -> str:
    found = _described(aws, names.cluster, names.container_service)
    if found is None:
        raise NoServiceError(f"ECS has no service {names.container_service}")
    return str(found["serviceArn"])


def _describe(aws: Aws, arn: str) -> Service:
    found = _described(aws, _cluster(arn), arn)
    if found is None:
        raise NoServiceError(f"ECS has no service {arn}")
    task = aws("ecs", "describe_task_definition", taskDefinition=found["taskDefinition"])[
        "taskDefinition"
    ]
    (container,) = task["containerDefinitions"]
    return Service(
        id=arn,
        name=found["serviceName"],
        status=found["status"],
        is_running=found["status"] == "ACTIVE",
        runs=digest_of(container["image"]),
        environment=_environment(container),
        secrets=tuple(sorted(each["name"] for each in container.get("secrets") or [])),
        role=task.get("taskRoleArn", ""),
        pull_role=task.get("executionRoleArn", ""),
        image=container["image"],
        log_groups=(container["logConfiguration"]["options"]["awslogs-group"],),
        changed=found["createdAt"],
        described={**found, "Task": task},
    )


def _tags(aws: Aws, service: Service) -> Mapping[str, Any]:
    return aws("ecs", "list_tags_for_resource", resourceArn=service.id)


def _configuration(aws: Aws, service: Service, settings: StackSettings) -> Iterator[Fact]:
    host = settings.host_as(FargateSettings)
    found, task = service.described, service.described["Task"]
    (container,) = task["containerDefinitions"]
    deployment = found["deploymentConfiguration"]
    breaker = deployment.get("deploymentCircuitBreaker") or {}
    newest = _primary(found)
    for what, value, wanted in (
        ("the deployment's rollout state", newest.get("rolloutState"), "COMPLETED"),
        ("the CPU units", int(task["cpu"]), host.cpu),
        ("the memory in MB", int(task["memory"]), host.memory),
        ("readonlyRootFilesystem", container.get("readonlyRootFilesystem"), True),
        ("stopTimeout", container.get("stopTimeout"), STOP_SECONDS),
        ("the port", container["portMappings"][0]["containerPort"], PORT),
        ("the circuit breaker", (breaker.get("enable"), breaker.get("rollback")), (True, True)),
        ("minimumHealthyPercent", deployment.get("minimumHealthyPercent"), 100),
        ("enableExecuteCommand", found.get("enableExecuteCommand"), False),
    ):
        yield Fact(what=what, found=value, wanted=wanted)
    user = str(container.get("user", "")).partition(":")[0]
    yield Fact(
        what="whether the server runs as root", found=user in {"", "0", "root"}, wanted=False
    )
    yield from _load_balancer(aws, _target_group(service), host)


def _load_balancer(aws: Aws, target_group: str, host: FargateSettings) -> Iterator[Fact]:
    group = _group(aws, target_group)
    (arn,) = group["LoadBalancerArns"]
    (balancer,) = aws("elbv2", "describe_load_balancers", LoadBalancerArns=[arn])["LoadBalancers"]
    listeners = aws("elbv2", "describe_listeners", LoadBalancerArn=arn)["Listeners"]
    public = host.service_domain is not None
    yield Fact(
        what="the load balancer's scheme",
        found=balancer["Scheme"],
        wanted="internet-facing" if public else "internal",
    )
    yield Fact(
        what="the load balancer's listeners",
        found=[(each["Protocol"], each["Port"]) for each in listeners],
        wanted=[("HTTPS", host.service_domain.port) if host.service_domain else ("HTTP", 80)],
    )


def _scaling(aws: Aws, service: Service, settings: StackSettings) -> Iterator[Fact]:
    host = settings.host_as(FargateSettings)
    resource = service.id.partition(":service/")[2]
    targets = aws(
        "application-autoscaling",
        "describe_scalable_targets",
        ServiceNamespace="ecs",
        ResourceIds=[f"service/{resource}"],
    )["ScalableTargets"]
    found = [(each["MinCapacity"], each["MaxCapacity"]) for each in targets]
    yield Fact(
        what="the minimum and maximum number of instances",
        found=found,
        wanted=[(host.min_instances, host.max_instances)],
    )
    scaling = aws(
        "application-autoscaling",
        "describe_scaling_policies",
        ServiceNamespace="ecs",
        ResourceId=f"service/{resource}",
    )["ScalingPolicies"]
    tracked = {}
    for each in scaling:
        tracking = each["TargetTrackingScalingPolicyConfiguration"]
        metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
        tracked[metric] = tracking["TargetValue"]
    yield Fact(
        what="the targets of scaling",
        found=tracked,
        wanted={
            "ALBRequestCountPerTarget": host.requests_per_target,
            "ECSServiceAverageCPUUtilization": host.cpu_target,
        },
    )


def _health_check(aws: Aws, service: Service, _settings: StackSettings) -> Iterator[Fact]:
    arn = _target_group(service)
    group = _group(aws, arn)
    yield Fact(
        what="the health check",
        found=(group["HealthCheckProtocol"], group["HealthCheckPath"], group["Matcher"]),
        wanted=("HTTP", HEALTH_PATH, {"HttpCode": "200"}),
    )
    targets = aws("elbv2", "describe_target_health", TargetGroupArn=arn)
    states = [each["TargetHealth"]["State"] for each in targets["TargetHealthDescriptions"]]
    yield Fact(what="whether a target is healthy", found="healthy" in states, wanted=True)


def _desired(resource: Mapping[str, Any], state: Mapping[str, Any]) -> Desired:
    # The deployment replaces it: the old one is still there, to be deleted.
    (task,) = (
        each
        for each in state["resources"]
        if each["type"] == _TASK_DEFINITION and not each.get("delete")
    )
    (container,) = json.loads(task["inputs"]["containerDefinitions"])
    return Desired(
        id=resource["id"],
        runs=digest_of(container["image"]),
        environment=_environment(container),
    )


def _is_busy(aws: Aws, arn: str) -> bool:
    found = _described(aws, _cluster(arn), arn)
    return found is not None and _primary(found).get("rolloutState") == "IN_PROGRESS"


def _operations(aws: Aws, arn: str) -> Sequence[Operation]:
    try:
        response = aws("ecs", "list_service_deployments", cluster=_cluster(arn), service=arn)
    except ClientError as error:
        if is_not_found(error):
            # Deleted behind the engine's back: the deployment finds that out.
            return ()
        raise
    newest_first = sorted(
        response["serviceDeployments"], key=lambda each: each["createdAt"], reverse=True
    )
    return tuple(
        Operation(
            id=_last_part(each["targetServiceRevisionArn"]),
            kind="deployment",
            status=each["status"],
            ended=each["status"] not in _IN_PROGRESS,
            succeeded=each["status"] == "SUCCESSFUL",
            reason=each.get("statusReason", ""),
        )
        for each in newest_first
    )


def _show_operations(arn: str) -> str:
    return f"aws ecs list-service-deployments --cluster {_cluster(arn)} --service {arn}"


def _events(aws: Aws, service: Service) -> Iterator[Event]:
    """Return the last events of the service, and of tasks that stopped within the last hour."""
    for each in service.described.get("events", []):
        yield Event(at=each["createdAt"], message=each["message"])
    for task in _stopped_tasks(aws, service):
        if at := task.get("stoppedAt"):
            yield Event(at=at, message=f"(task {_last_part(task['taskArn'])}) {_reason(task)}")


def _explain(aws: Aws, service: Service) -> list[str]:
    events = [each["message"] for each in service.described.get("events", [])[:_EVENTS]]
    (group,) = service.log_groups
    return [
        "The service's last events, the newest first:",
        *(f"  {line}" for line in events),
        *(f"A task stopped: {_reason(task)}" for task in _stopped_tasks(aws, service)),
        f"The tasks' log, {group}, ends:",
        *(f"  {line}" for line in log_end(aws, group)),
    ]


def _stopped_tasks(aws: Aws, service: Service) -> list[dict[str, Any]]:
    cluster = _cluster(service.id)
    tasks = aws(
        "ecs",
        "list_tasks",
        cluster=cluster,
        serviceName=service.name,
        desiredStatus="STOPPED",
        maxResults=_TASKS,
    )["taskArns"]
    if not tasks:
        return []
    found: list[dict[str, Any]] = aws("ecs", "describe_tasks", cluster=cluster, tasks=tasks)[
        "tasks"
    ]
    return found


def _reason(task: Mapping[str, Any]) -> str:
    reasons = [task.get("stoppedReason"), *(each.get("reason") for each in task["containers"])]
    return "; ".join(filter(None, reasons))


def _next_steps(_service: Service) -> list[str]:
    return []


def _redeploy(aws: Aws, service: Service, _settings: StackSettings) -> str:
    updated = aws(
        "ecs",
        "update_service",
        cluster=_cluster(service.id),
        service=service.id,
        forceNewDeployment=True,
    )
    return _last_part(_primary(updated["service"])["id"])


def _history(aws: Aws, service: Service) -> list[str]:
    tasks = aws("ecs", "list_tasks", cluster=_cluster(service.id), serviceName=service.name)[
        "taskArns"
    ]
    return [*(each.id for each in _operations(aws, service.id)), *sorted(tasks)]


def _instance_metric(aws: Aws, service: Service) -> InstanceMetric:
    group = _group(aws, _target_group(service))
    (balancer,) = group["LoadBalancerArns"]
    return InstanceMetric(
        namespace=BALANCER_NAMESPACE,
        name="HealthyHostCount",
        # Source: "CloudWatch metrics for your Application Load Balancer", on dimensions.
        dimensions={
            "LoadBalancer": balancer.partition(":loadbalancer/")[2],
            "TargetGroup": group["TargetGroupArn"].rpartition(":")[2],
        },
    )


def _instances(service: Service, _endpoint: str) -> AbstractContextManager[Instances]:
    return containers_of(service.image)


def _access(location: StackLocation) -> HostAccess:
    names = location.names
    return HostAccess(
        roles=(names.task_execution_role, names.task_role),
        principals=(policies.ECS_TASKS,),
        # AWS creates these with the account's first service, scaling, load balancer and VPC origin.
        linked_services=(
            "ecs.amazonaws.com",
            "ecs.application-autoscaling.amazonaws.com",
            "elasticloadbalancing.amazonaws.com",
            "vpcorigin.cloudfront.amazonaws.com",
        ),
        log_groups=tuple(location.log_group_arns(names.task_log_stem)),
        edge_grants=tuple(vpc_origin_grants(location)),
        grants=tuple(fargate_grants(location)),
    )


def _described(aws: Aws, cluster: str, service: str) -> Mapping[str, Any] | None:
    """Return a service; None if there is none, or only the rest of a deleted one."""
    try:
        response = aws("ecs", "describe_services", cluster=cluster, services=[service])
    except ClientError as error:
        if is_not_found(error):
            return None
        raise
    active = [each for each in response["services"] if each["status"] != "INACTIVE"]
    return active[0] if active else None


def _primary(service: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((each for each in service["deployments"] if each["status"] == "PRIMARY"), {})


def _target_group(service: Service) -> str:
    (balancer,) = service.described["loadBalancers"]
    return str(balancer["targetGroupArn"])


def _group(aws: Aws, arn: str) -> Mapping[str, Any]:
    (group,) = aws("elbv2", "describe_target_groups", TargetGroupArns=[arn])["TargetGroups"]
    found: Mapping[str, Any] = group
    return found


def _environment(container: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container.get("environment") or []}


def _cluster(service: str) -> str:
    """Return the cluster in a service's ARN."""
    return service.split("/")[1]


def _last_part(text: str) -> str:
    return text.rpartition("/")[2]


FARGATE_OPERATIONS: Final = HostOperations(
    hosting=Hosting.FARGATE,
    service_type="aws:ecs/service:Service",
    artifact="image",
    artifact_output="imageDigest",
    parts=("Repository", "Fargate"),
    front="the load balancer",
    find=_find,
    describe=_describe,
    tags=_tags,
    configuration=_configuration,
    scaling=_scaling,
    health_check=_health_check,
    desired=_desired,
    is_busy=_is_busy,
    # A deployment ends the one before.
    refuses_changes_while_busy=False,
    show_operations=_show_operations,
    operations=_operations,
    helpers=lambda _names, _settings: (),
    owns_logs=lambda _settings: True,
    events=_events,
    explain=_explain,
    next_steps=_next_steps,
    redeploy=_redeploy,
    history=_history,
    instance_metric=_instance_metric,
    instances=_instances,
    access=_access,
)
