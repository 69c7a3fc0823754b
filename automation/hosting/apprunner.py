"""App Runner's service.

Pulumi's provider only waits until the service is RUNNING. App Runner rolls a failed update back,
the service is RUNNING again, and `pulumi up` reports success. A service that could not be created
stays CREATE_FAILED, and an `up` without changes reports success too.

Sources: https://github.com/aws/apprunner-roadmap/issues/209, …/issues/272,
https://github.com/pulumi/pulumi/issues/21458.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.grants import LOOK_UP_NETWORK, Grant, HostAccess, StackLocation
from automation.hosting.host import (
    Aws,
    Desired,
    Fact,
    HostOperations,
    InstanceMetric,
    NoServiceError,
    Operation,
    Service,
    no_events,
)
from automation.hosting.instances import Instances, containers_of
from automation.hosting.logs import log_end
from automation.hosting.repository import digest_of
from automation.waiting import is_not_found
from components import policies
from components.hosting.apprunner.alarms import NAMESPACE
from components.hosting.apprunner.log_groups import owns_logs
from components.hosting.apprunner.settings import AppRunnerSettings
from components.hosting.environment import PORT
from components.names import ResourceNames
from components.settings import Hosting, StackSettings

_IN_PROGRESS: Final = frozenset({"PENDING", "IN_PROGRESS", "ROLLBACK_IN_PROGRESS"})


def _find(aws: Aws, names: ResourceNames) -> str:
    page: dict[str, Any] = {}
    while True:
        response = aws("apprunner", "list_services", **page)
        for summary in response["ServiceSummaryList"]:
            if summary["ServiceName"] == names.service:
                return str(summary["ServiceArn"])
        if not response.get("NextToken"):
            raise NoServiceError(f"App Runner has no service {names.service}")
        page = {"NextToken": response["NextToken"]}


def _describe(aws: Aws, arn: str) -> Service:
    found = aws("apprunner", "describe_service", ServiceArn=arn)["Service"]
    source = found["SourceConfiguration"]
    image = source["ImageRepository"]
    configuration = image.get("ImageConfiguration") or {}
    group = f"/aws/apprunner/{found['ServiceName']}/{found['ServiceId']}"
    return Service(
        id=arn,
        name=found["ServiceName"],
        status=found["Status"],
        is_running=found["Status"] == "RUNNING",
        address=f"https://{found['ServiceUrl']}",
        runs=digest_of(image["ImageIdentifier"]),
        environment=configuration.get("RuntimeEnvironmentVariables") or {},
        secrets=tuple(sorted(configuration.get("RuntimeEnvironmentSecrets") or {})),
        role=found["InstanceConfiguration"].get("InstanceRoleArn", ""),
        pull_role=(source.get("AuthenticationConfiguration") or {}).get("AccessRoleArn", ""),
        image=image["ImageIdentifier"],
        log_groups=(f"{group}/application", f"{group}/service"),
        changed=found["CreatedAt"],
        described=found,
    )


def _tags(aws: Aws, service: Service) -> Mapping[str, Any]:
    return aws("apprunner", "list_tags_for_resource", ResourceArn=service.id)


def _configuration(_aws: Aws, service: Service, settings: StackSettings) -> Iterator[Fact]:
    host = settings.host_as(AppRunnerSettings)
    found = service.described
    instance, source = found["InstanceConfiguration"], found["SourceConfiguration"]
    yield Fact(what="the CPU units", found=_size(instance["Cpu"]), wanted=host.cpu)
    yield Fact(what="the memory in MB", found=_size(instance["Memory"]), wanted=host.memory)
    yield Fact(
        what="AutoDeploymentsEnabled",
        found=source.get("AutoDeploymentsEnabled"),
        wanted=False,
    )
    configuration = source["ImageRepository"].get("ImageConfiguration") or {}
    yield Fact(what="the port", found=configuration.get("Port"), wanted=str(PORT))


def _scaling(aws: Aws, service: Service, settings: StackSettings) -> Iterator[Fact]:
    host = settings.host_as(AppRunnerSettings)
    found = aws(
        "apprunner",
        "describe_auto_scaling_configuration",
        AutoScalingConfigurationArn=service.described["AutoScalingConfigurationSummary"][
            "AutoScalingConfigurationArn"
        ],
    )["AutoScalingConfiguration"]
    for what, key, wanted in (
        ("the minimum number of instances", "MinSize", host.min_instances),
        ("the maximum number of instances", "MaxSize", host.max_instances),
        ("the concurrent requests per instance", "MaxConcurrency", host.max_concurrency),
    ):
        yield Fact(what=what, found=found[key], wanted=wanted)


def _health_check(_aws: Aws, service: Service, settings: StackSettings) -> Iterator[Fact]:
    configured = settings.host_as(AppRunnerSettings).health_check
    found = service.described["HealthCheckConfiguration"]
    wanted: dict[str, Any] = {
        "Protocol": configured.protocol,
        "Interval": configured.interval,
        "Timeout": configured.timeout,
        "HealthyThreshold": configured.healthy_threshold,
        "UnhealthyThreshold": configured.unhealthy_threshold,
        **({"Path": configured.path} if configured.protocol == "HTTP" else {}),
    }
    yield Fact(
        what="the health check", found={key: found.get(key) for key in wanted}, wanted=wanted
    )


def _desired(resource: Mapping[str, Any], _state: Mapping[str, Any]) -> Desired:
    repository = resource["inputs"]["sourceConfiguration"]["imageRepository"]
    configuration = repository.get("imageConfiguration") or {}
    return Desired(
        id=resource["id"],
        runs=digest_of(repository["imageIdentifier"]),
        environment=configuration.get("runtimeEnvironmentVariables") or {},
    )


def _is_busy(aws: Aws, arn: str) -> bool:
    try:
        described = aws("apprunner", "describe_service", ServiceArn=arn)["Service"]
    except ClientError as error:
        if is_not_found(error):
            return False
        raise
    return bool(described["Status"] == "OPERATION_IN_PROGRESS")


def _operations(aws: Aws, arn: str) -> Sequence[Operation]:
    try:
        response = aws("apprunner", "list_operations", ServiceArn=arn)
    except ClientError as error:
        if is_not_found(error):
            # Deleted behind the engine's back: the deployment finds that out.
            return ()
        raise
    return tuple(
        Operation(
            id=each["Id"],
            kind=each["Type"],
            status=each["Status"],
            ended=each["Status"] not in _IN_PROGRESS,
            succeeded=each["Status"] == "SUCCEEDED",
        )
        for each in response["OperationSummaryList"]
    )


def _explain(aws: Aws, service: Service) -> list[str]:
    group = service.log_groups[-1]
    return [
        f"The service's log, {group}, ends:",
        *(f"  {line}" for line in log_end(aws, group)),
    ]


def _next_steps(service: Service) -> list[str]:
    if service.status == "PAUSED":
        resume = f"aws apprunner resume-service --service-arn {service.id}"
        return [f"Somebody has paused it. To resume it, run: {resume}"]
    if service.status != "CREATE_FAILED":
        return []
    rebuild = f"aws apprunner start-deployment --service-arn {service.id}"
    return [f"If no setting has to change, build the service again: {rebuild}"]


def _redeploy(aws: Aws, service: Service, _settings: StackSettings) -> str:
    return str(aws("apprunner", "start_deployment", ServiceArn=service.id)["OperationId"])


def _history(aws: Aws, service: Service) -> list[str]:
    return [each.id for each in _operations(aws, service.id)]


def _instance_metric(_aws: Aws, service: Service) -> InstanceMetric:
    dimensions = {"ServiceName": service.name, "ServiceID": service.described["ServiceId"]}
    return InstanceMetric(namespace=NAMESPACE, name="ActiveInstances", dimensions=dimensions)


def _instances(service: Service, _endpoint: str) -> AbstractContextManager[Instances]:
    return containers_of(service.image)


def _access(location: StackLocation) -> HostAccess:
    names = location.names
    return HostAccess(
        roles=(names.access_role, names.instance_role, names.log_function),
        principals=(policies.APP_RUNNER_BUILD, policies.APP_RUNNER_TASKS),
        # App Runner creates these with the account's first service and first VPC connector.
        linked_services=("apprunner.amazonaws.com", "networking.apprunner.amazonaws.com"),
        functions=(names.log_function,),
        log_groups=tuple(location.log_group_arns(names.log_function_log_stem)),
        other_log_groups=(location.arn("logs", f"log-group:/aws/apprunner/{names.service}/*"),),
        grants=(*_grants(location), LOOK_UP_NETWORK),
    )


def _grants(location: StackLocation) -> Iterator[Grant]:
    names = location.names
    yield Grant(
        sid="Service",
        resources=[
            # App Runner chooses the id at its end.
            location.arn("apprunner", f"service/{names.service}/*"),
            location.arn("apprunner", f"autoscalingconfiguration/{names.auto_scaling}/*"),
            location.arn("apprunner", f"observabilityconfiguration/{names.observability}/*"),
            location.arn("apprunner", f"vpcconnector/{names.vpc_connector_stem}*/*"),
        ],
        read=[
            "apprunner:DescribeAutoScalingConfiguration",
            "apprunner:DescribeObservabilityConfiguration",
            "apprunner:DescribeService",
            "apprunner:DescribeVpcConnector",
            "apprunner:ListOperations",
            "apprunner:ListTagsForResource",
        ],
        write=[
            "apprunner:CreateAutoScalingConfiguration",
            "apprunner:CreateObservabilityConfiguration",
            "apprunner:CreateService",
            "apprunner:CreateVpcConnector",
            "apprunner:DeleteAutoScalingConfiguration",
            "apprunner:DeleteObservabilityConfiguration",
            "apprunner:DeleteService",
            "apprunner:DeleteVpcConnector",
            "apprunner:TagResource",
            "apprunner:UntagResource",
            "apprunner:UpdateService",
        ],
    )
    yield Grant(
        sid="CallLogFunction",
        resources=[location.function_arn(names.log_function)],
        write=["lambda:InvokeFunction"],
    )
    # None of these can be limited to a resource.
    yield Grant(
        sid="ListServices",
        resources=["*"],
        read=[
            "apprunner:ListAutoScalingConfigurations",
            "apprunner:ListObservabilityConfigurations",
            "apprunner:ListServices",
            "apprunner:ListVpcConnectors",
        ],
    )


def _helpers(names: ResourceNames, settings: StackSettings) -> tuple[str, ...]:
    return (names.log_function,) if owns_logs(settings) else ()


def _size(text: str) -> int:
    """Parse a size, which App Runner returns as "1024" and "2048", or as "1 vCPU" and "2 GB"."""
    number, _, unit = text.partition(" ")
    return int(float(number) * 1024) if unit else int(number)


APP_RUNNER_OPERATIONS: Final = HostOperations(
    hosting=Hosting.APP_RUNNER,
    service_type="aws:apprunner/service:Service",
    artifact="image",
    artifact_output="imageDigest",
    parts=("Repository", "App Runner"),
    front="App Runner's front",
    find=_find,
    describe=_describe,
    tags=_tags,
    configuration=_configuration,
    scaling=_scaling,
    health_check=_health_check,
    desired=_desired,
    is_busy=_is_busy,
    refuses_changes_while_busy=True,
    show_operations="aws apprunner list-operations --service-arn {}".format,
    operations=_operations,
    helpers=_helpers,
    owns_logs=owns_logs,
    events=no_events,
    explain=_explain,
    next_steps=_next_steps,
    redeploy=_redeploy,
    history=_history,
    instance_metric=_instance_metric,
    instances=_instances,
    access=_access,
)
