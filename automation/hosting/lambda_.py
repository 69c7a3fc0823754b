"""Lambda's function with a URL.

Lambda validates a change before it answers, and Pulumi's provider waits for the end of it. A
function can still differ from what was deployed: changed by hand, or after an update that failed
later.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.grants import LOOK_UP_NETWORK, Grant, HostAccess, StackLocation
from automation.hosting.environments import environments
from automation.hosting.host import (
    Aws,
    Desired,
    Fact,
    HostOperations,
    NoServiceError,
    Operation,
    RedeploymentError,
    Service,
)
from automation.hosting.instances import Instances
from automation.hosting.logs import log_end
from automation.hosting.policy import everyones_actions
from automation.waiting import is_not_found
from components import policies
from components.hosting.lambda_.definition import FUNCTION_SECONDS
from components.hosting.lambda_.package import HANDLER, prepare_package
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
    found = aws("lambda", "get_function_configuration", FunctionName=name)
    url = _if_found(aws, "get_function_url_config", name)
    return Service(
        id=name,
        name=name,
        status=found["State"],
        # Lambda stops a function that nobody has called for weeks, and starts it with a call.
        is_running=found["State"] in {"Active", "Inactive"},
        address=url.get("FunctionUrl", "").rstrip("/"),
        runs=found["CodeSha256"],
        environment=(found.get("Environment") or {}).get("Variables") or {},
        role=found["Role"],
        log_groups=(found["LoggingConfig"]["LogGroup"],),
        changed=_time(found["LastModified"]),
        described={**found, "Url": url},
    )


def _tags(aws: Aws, service: Service) -> Mapping[str, Any]:
    return aws("lambda", "list_tags", Resource=service.described["FunctionArn"])


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
    policy = _if_found(aws, "get_policy", service.id).get("Policy")
    yield Fact(
        what="what everyone may do with the function",
        found=everyones_actions(policy),
        wanted=_PUBLIC_ACTIONS,
    )


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
    return found is not None and not _ended(found)


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
            ended=_ended(found),
            succeeded=created and found["LastUpdateStatus"] == "Successful",
            reason=found.get("LastUpdateStatusReason" if created else "StateReason") or "",
        ),
    )


def _explain(aws: Aws, service: Service) -> list[str]:
    (group,) = service.log_groups
    return [f"The function's log, {group}, ends:", *(f"  {line}" for line in log_end(aws, group))]


def _next_steps(_service: Service) -> list[str]:
    return []


def _redeploy(aws: Aws, service: Service, settings: StackSettings) -> str:
    """Update the code to what it is, which replaces the function's environments."""
    package = prepare_package(
        settings.server_version,
        settings.host_as(LambdaSettings).architecture,
        trusted_certificates=settings.trusted_certificates,
    )
    if package.code_sha256 != service.runs:
        raise RedeploymentError("the function has other code than this checkout makes")
    code = package.path.read_bytes()
    updated = aws("lambda", "update_function_code", FunctionName=service.id, ZipFile=code)
    return str(updated["LastModified"])


def _history(aws: Aws, service: Service) -> list[str]:
    return [each.id for each in _operations(aws, service.id)]


def _instances(service: Service, endpoint: str) -> AbstractContextManager[Instances]:
    return environments(service.name, endpoint)


def _access(location: StackLocation) -> HostAccess:
    names = location.names
    return HostAccess(
        roles=(names.server_function,),
        principals=(policies.LAMBDA,),
        functions=(names.server_function,),
        log_groups=tuple(location.log_group_arns(names.server_log_stem)),
        grants=(
            Grant(
                sid="FunctionUrl",
                resources=[location.function_arn(names.server_function)],
                read=["lambda:GetFunctionConcurrency", "lambda:GetFunctionUrlConfig"],
                write=[
                    "lambda:CreateFunctionUrlConfig",
                    "lambda:DeleteFunctionConcurrency",
                    "lambda:DeleteFunctionUrlConfig",
                    "lambda:PutFunctionConcurrency",
                    "lambda:UpdateFunctionUrlConfig",
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
    return _if_found(aws, "get_function_configuration", name) or None


def _if_found(aws: Aws, operation: str, name: str) -> Mapping[str, Any]:
    try:
        return aws("lambda", operation, FunctionName=name)
    except ClientError as error:
        if is_not_found(error):
            return {}
        raise


def _ended(found: Mapping[str, Any]) -> bool:
    return not (found["State"] == "Pending" or found["LastUpdateStatus"] == "InProgress")


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
    find=_find,
    describe=_describe,
    tags=_tags,
    configuration=_configuration,
    scaling=_scaling,
    health_check=None,
    desired=_desired,
    is_busy=_is_busy,
    refuses_changes_while_busy=True,
    rolls_back=False,
    show_operations="aws lambda get-function-configuration --function-name {}".format,
    operations=_operations,
    explain=_explain,
    next_steps=_next_steps,
    redeploy=_redeploy,
    history=_history,
    instances=_instances,
    access=_access,
)
