"""Which operation a request calls, and what CloudTrail records of its parameters. Pure.

Sources: "CloudTrail record contents" in the AWS CloudTrail User Guide, and each service's page on
what CloudTrail logs of it, for the operations that are data events.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

import botocore.loaders
import botocore.model

from localcloud.aws.cloudtrail.models import Resource

_MODELS: Final = {
    "acm": "acm",
    "apprunner": "apprunner",
    "cognito-idp": "cognito-idp",
    "ecr": "ecr",
    "ecs": "ecs",
    "events": "events",
    "iam": "iam",
    "kms": "kms",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
    "sts": "sts",
}
"""botocore's names of the services that are recorded, by their names in signatures."""
_DATA_EVENTS: Final = frozenset(
    {
        "events:PutEvents",
        "logs:FilterLogEvents",
        "logs:GetLogEvents",
        "logs:PutLogEvents",
        "monitoring:GetMetricData",
        "monitoring:GetMetricStatistics",
        "monitoring:ListMetrics",
        "monitoring:PutMetricData",
        "sns:Publish",
        "sns:PublishBatch",
    }
)
_NOT_PLAIN: Final = frozenset({"blob", "list", "map", "structure"})
_RPC_PATH: Final = re.compile(r"/service/\w+/operation/(\w+)")
_READ_ONLY: Final = ("BatchCheck", "BatchGet", "Describe", "Get", "List", "Test")
_RESOURCES: Final = {
    "secretsmanager": ("secretId", "AWS::SecretsManager::Secret"),
    "logs": ("logGroupName", "AWS::Logs::LogGroup"),
    "kms": ("keyId", "AWS::KMS::Key"),
}


def operation_of(service: str, path: str, target: str, body: bytes) -> str | None:
    """Return the operation of a request if it is a management event that is recorded.

    Args:
        service: the service's name in the signature.
        path: the request's path.
        target: the X-Amz-Target header; empty without one.
        body: the request's body.
    """
    if service not in _MODELS:
        return None
    rpc = _RPC_PATH.fullmatch(path)
    name = target.rpartition(".")[2] or (rpc[1] if rpc else "") or _form(body).get("Action", "")
    is_known = name in _model(service).operation_names
    return name if is_known and f"{service}:{name}" not in _DATA_EVENTS else None


def is_read_only(operation: str) -> bool:
    """Return whether an operation changes nothing."""
    return operation.startswith(_READ_ONLY)


def parameters_of(service: str, operation: str, target: str, body: bytes) -> dict[str, Any] | None:
    """Return what CloudTrail records of a request's parameters: nothing that is sensitive.

    Args:
        service: the service's name in the signature.
        operation: the operation.
        target: the X-Amz-Target header; with it, the body is JSON.
        body: the request's body.
    """
    shape = _model(service).operation_model(operation).input_shape
    if shape is None:
        return None
    given: Any = _json(body) if target else _form(body)
    if not isinstance(given, dict):
        return None
    found = _shown(shape, given)
    return found if isinstance(found, dict) and found else None


def resources_of(service: str, parameters: Mapping[str, Any] | None) -> tuple[Resource, ...]:
    """Return the resources that a request's parameters name."""
    member, kind = _RESOURCES.get(service, ("", ""))
    name = (parameters or {}).get(member)
    return (Resource(kind=kind, name=name),) if isinstance(name, str) else ()


def error_of(status: int, body: bytes) -> str | None:
    """Return the code of an error response; None for a success."""
    if status < 400:  # noqa: PLR2004 - HTTP's first error
        return None
    document = _json(body)
    if isinstance(document, dict):
        return str(document.get("__type", "")).rpartition("#")[2] or None
    found = re.search(rb"<Code>(\w[\w.]*)</Code>", body)
    return found[1].decode() if found else None


def _shown(shape: botocore.model.Shape, value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return a value without what the model calls sensitive, named as in CloudTrail."""
    if shape.metadata.get("sensitive"):
        return None
    if isinstance(shape, botocore.model.StructureShape) and isinstance(value, dict):
        members = {
            name[:1].lower() + name[1:]: _shown(shape.members[name], member)
            for name, member in value.items()
            if name in shape.members
        }
        return {name: member for name, member in members.items() if member is not None}
    if isinstance(shape, botocore.model.ListShape) and isinstance(value, list):
        return [_shown(shape.member, each) for each in value]
    if isinstance(shape, botocore.model.MapShape) and isinstance(value, dict):
        hidden = shape.key.metadata.get("sensitive")
        return None if hidden else {key: _shown(shape.value, each) for key, each in value.items()}
    is_plain = isinstance(value, (str, int, float)) and shape.type_name not in _NOT_PLAIN
    return value if is_plain else None


@lru_cache
def _model(service: str) -> botocore.model.ServiceModel:
    name = _MODELS[service]
    description = botocore.loaders.Loader().load_service_model(name, "service-2")
    return botocore.model.ServiceModel(description, name)


def _json(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(body or b"{}")
    except ValueError:
        return None


def _form(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True))
    except UnicodeDecodeError:
        return {}
