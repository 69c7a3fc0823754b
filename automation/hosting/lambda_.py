"""Lambda's function with a URL.

Callers reach the alias's version. A deployment publishes another one, and moves the alias once the
server has started there; if that fails, the alias's version isn't what was deployed. It can also
differ because somebody moved the alias by hand.
"""

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from automation.grants import LOOK_UP_NETWORK, Grant, HostAccess, StackLocation
from automation.hosting.environments import environments
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
from automation.hosting.instances import Instances
from automation.hosting.lambda_versions import (
    SETTLING_SECONDS,
    has_ended,
    if_found,
    live_version,
    published_again,
)
from automation.hosting.logs import log_end
from automation.hosting.policy import everyones_actions
from components import policies
from components.hosting.lambda_.alarms import NAMESPACE
from components.hosting.lambda_.definition import ALIAS, FUNCTION_SECONDS
from components.hosting.lambda_.package import HANDLER
from components.hosting.lambda_.settings import LambdaSettings
from components.names import ResourceNames
from components.settings import Hosting, StackSettings

_STACK: Final = "pulumi:pulumi:Stack"
_PUBLIC_ACTIONS: Final = (
    "lambda:InvokeFunction if lambda:InvokedViaFunctionUrl is true",
    "lambda:InvokeFunctionUrl if lambda:FunctionUrlAuthType is NONE",
)


def _find(aws: Aws, names: ResourceNames) -> str:
    if _configured(aws, names.server_function) is None:
        raise NoServiceError(f"Lambda has no function {names.server_function}")
    return names.server_function


def _describe(aws: Aws, name: str) -> Service:
    live = live_version(aws, name)
    qualifier = {"Qualifier": live} if live else {}
    found = aws("lambda", "get_function_configuration", FunctionName=name, **qualifier)
    url = if_found(aws, "get_function_url_config", name, Qualifier=ALIAS)
    return Service(
        id=name,
        name=name,
        status=found["State"] if live else f"without the alias {ALIAS}, as no version has started",
        # Lambda stops a function that nobody has called for weeks, and starts it with a call.
        is_running=bool(live) and found["State"] in {"Active", "Inactive"},
        address=url.get("FunctionUrl", "").rstrip("/"),
        runs=found["CodeSha256"],
        environment=(found.get("Environment") or {}).get("Variables") or {},
        role=found["Role"],
        log_groups=(found["LoggingConfig"]["LogGroup"],),
        changed=_time(found["LastModified"]),
        described={**found, "Url": url, "Live": live},
    )


def _tags(aws: Aws, service: Service) -> Mapping[str, Any]:
    return aws("lambda", "list_tags", Resource=_unqualified(service.described))


def _unqualified(described: Mapping[str, Any]) -> str:
    """Return the function's ARN, which its tags belong to."""
    return str(described["FunctionArn"]).removesuffix(f":{described['Live']}")


def _configuration(aws: Aws, service: Service, settings: StackSettings) -> Iterator[Fact]:
    host = settings.host_as(LambdaSettings)
    found, url = service.described, service.described["Url"]
    for what, value, wanted in (
        ("the last update's status", found["LastUpdateStatus"], "Successful"),
        ("the memory in MB", found["MemorySize"], host.memory),
        ("the time limit in seconds", found["Timeout"], FUNCTION_SECONDS),
        ("the processors", found["Architectures"], [host.architecture.value]),
        ("the handler", found["Handler"], HANDLER),
        ("the URL's AuthType", url.get("AuthType"), "NONE"),
        ("the URL's InvokeMode", url.get("InvokeMode"), "BUFFERED"),
    ):
        yield Fact(what=what, found=value, wanted=wanted)
    yield Fact(
        what="what everyone may do with the alias",
        found=_everyones_actions(aws, service, Qualifier=ALIAS),
        wanted=_PUBLIC_ACTIONS,
    )
    # Without a URL, the same rules allow nothing. Pulumi's provider may add them to either.
    others = set(_everyones_actions(aws, service)) - set(_PUBLIC_ACTIONS)
    yield Fact(
        what="what everyone may do with the function's other versions",
        found=tuple(sorted(others)),
        wanted=(),
    )


def _everyones_actions(aws: Aws, service: Service, **qualifier: str) -> tuple[str, ...]:
    policy = if_found(aws, "get_policy", service.id, **qualifier).get("Policy")
    return everyones_actions(policy)


def _scaling(aws: Aws, service: Service, settings: StackSettings) -> Iterator[Fact]:
    found = aws("lambda", "get_function_concurrency", FunctionName=service.id)
    yield Fact(
        what="the reserved concurrency",
        found=found.get("ReservedConcurrentExecutions"),
        wanted=settings.host_as(LambdaSettings).max_instances or None,
    )


def _desired(resource: Mapping[str, Any], state: Mapping[str, Any]) -> Desired:
    outputs = next(
        each.get("outputs") or {} for each in state["resources"] if each["type"] == _STACK
    )
    environment = resource["inputs"].get("environment") or {}
    return Desired(
        id=resource["id"],
        # A stack without outputs has never been deployed completely.
        runs=outputs.get("codeSha256") or resource["outputs"]["codeSha256"],
        environment=environment.get("variables") or {},
    )


def _is_busy(aws: Aws, name: str) -> bool:
    found = _configured(aws, name)
    return found is not None and not has_ended(found)


def _operations(aws: Aws, name: str) -> Sequence[Operation]:
    """Return the last change, the only one that Lambda knows of."""
    found = _configured(aws, name)
    if found is None:
        return ()
    created = found["State"] != "Failed"
    return (
        Operation(
            id=found["LastModified"],
            kind="update" if created else "creation",
            status=found["LastUpdateStatus"] if created else found["State"],
            ended=has_ended(found),
            succeeded=created and found["LastUpdateStatus"] == "Successful",
            reason=found.get("LastUpdateStatusReason" if created else "StateReason") or "",
        ),
    )


def _explain(aws: Aws, service: Service) -> list[str]:
    (group,) = service.log_groups
    return [f"The function's log, {group}, ends:", *(f"  {line}" for line in log_end(aws, group))]


def _next_steps(service: Service) -> list[str]:
    """Return what to do if an interruption kept Pulumi from publishing a version."""
    return [
        "If that finds nothing to deploy, publish what the function has, and deploy again after:",
        f"  aws lambda publish-version --function-name {service.id}",
        "  pulumi refresh",
    ]


def _redeploy(aws: Aws, service: Service, _settings: StackSettings) -> str:
    """Lead callers to another version of the same, and back."""
    with published_again(aws, service.id):
        time.sleep(SETTLING_SECONDS)
    return next(each.id for each in _operations(aws, service.id))


def _history(aws: Aws, service: Service) -> list[str]:
    return [live_version(aws, service.id), *(each.id for each in _operations(aws, service.id))]


def _instance_metric(_aws: Aws, service: Service) -> InstanceMetric:
    return InstanceMetric(
        namespace=NAMESPACE,
        name="ConcurrentExecutions",
        dimensions={"FunctionName": service.name},
    )


def _instances(service: Service, endpoint: str) -> AbstractContextManager[Instances]:
    return environments(service.name, endpoint)


def _access(location: StackLocation) -> HostAccess:
    names = location.names
    function = location.function_arn(names.server_function)
    return HostAccess(
        roles=(names.server_function,),
        principals=(policies.LAMBDA,),
        functions=(names.server_function,),
        log_groups=tuple(location.log_group_arns(names.server_log_stem)),
        grants=(
            Grant(
                sid="FunctionVersions",
                resources=[function],
                read=["lambda:GetFunctionConcurrency"],
                write=[
                    "lambda:DeleteFunctionConcurrency",
                    "lambda:PublishVersion",
                    "lambda:PutFunctionConcurrency",
                ],
            ),
            # AWS documents the alias's operations with the function's ARN, and doesn't document
            # which ARN those of an alias's URL have.
            Grant(
                sid="FunctionAlias",
                resources=[function, f"{function}:*"],
                read=["lambda:GetAlias", "lambda:GetFunctionUrlConfig"],
                write=[
                    "lambda:CreateAlias",
                    "lambda:CreateFunctionUrlConfig",
                    "lambda:DeleteAlias",
                    "lambda:DeleteFunctionUrlConfig",
                    "lambda:UpdateAlias",
                    "lambda:UpdateFunctionUrlConfig",
                ],
            ),
            # A deployment invokes each version to check the server's health.
            Grant(
                sid="QualifiedFunction",
                resources=[f"{function}:*"],
                read=["lambda:GetFunctionConfiguration", "lambda:GetPolicy"],
                write=[
                    "lambda:AddPermission",
                    "lambda:InvokeFunction",
                    "lambda:RemovePermission",
                ],
            ),
            # Of the account, before its concurrency is reserved.
            Grant(sid="ReadConcurrency", resources=["*"], write=["lambda:GetAccountSettings"]),
            LOOK_UP_NETWORK,
            # Lambda verifies a VPC's parts with this one too. Source: "Giving Lambda functions
            # access to resources in an Amazon VPC" in the AWS Lambda Developer Guide.
            Grant(
                sid="LookUpSecurityGroups",
                resources=[location.arn("ec2", "vpc/*")],
                write=["ec2:GetSecurityGroupsForVpc"],
            ),
        ),
    )


def _configured(aws: Aws, name: str) -> Mapping[str, Any] | None:
    return if_found(aws, "get_function_configuration", name) or None


def _time(text: str) -> dt.datetime:
    # `fromisoformat` doesn't read Lambda's own format.
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


LAMBDA_OPERATIONS: Final = HostOperations(
    hosting=Hosting.LAMBDA,
    # The other functions are no hosts.
    service_type="neo4j-mcp:hosting:LambdaHost$aws:lambda/function:Function",
    artifact="package",
    artifact_output="codeSha256",
    parts=("Package", "Lambda"),
    front="Lambda with the handler",
    find=_find,
    describe=_describe,
    tags=_tags,
    configuration=_configuration,
    scaling=_scaling,
    health_check=None,
    desired=_desired,
    is_busy=_is_busy,
    refuses_changes_while_busy=True,
    show_operations="aws lambda get-function-configuration --function-name {}".format,
    operations=_operations,
    helpers=lambda _names, _settings: (),
    owns_logs=lambda _settings: True,
    events=no_events,
    explain=_explain,
    next_steps=_next_steps,
    redeploy=_redeploy,
    history=_history,
    instance_metric=_instance_metric,
    instances=_instances,
    access=_access,
)
