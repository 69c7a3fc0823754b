"""Compares every declaration with the Python SDKs and with botocore's shapes, both ways."""

import enum
import inspect
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pulumi
import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from pulumi import _types

from localcloud.providers import docker_image, random_string
from localcloud.providers.aws import cloudfront
from localcloud.providers.aws import provider as aws
from localcloud.providers.aws.clients import CONFIGURATION, ENDPOINTS
from localcloud.providers.aws.invokes import INVOKES
from localcloud.providers.aws.resource import AwsResource
from localcloud.providers.aws.shapes import Casing, aws_name, resolve
from localcloud.providers.schema import Kind, Properties, Property, ResourceType
from providers.aws.fake import fake, resource_request
from providers.sdk import AWS, DOCKER, RANDOM
from tests.repository import ROOT

_TYPES: list[ResourceType[Any]] = [
    *aws.RESOURCES,
    docker_image.Image(),
    random_string.RandomString(),
]
_AWS_RESOURCES = [each for each in aws.RESOURCES if isinstance(each, AwsResource)]
# What Check adds for its diff; the real provider has the same in its state.
_OWN = {"contextDigest"}
_SESSION = botocore.session.Session()

# A distribution is updated with its whole configuration, which another test compares.
_CONFIGURATION = {
    name
    for name, each in cloudfront.Distribution.properties.items()
    if (each.aws or "").startswith("DistributionConfig.")
}
# They are created with their tags by another operation than without.
_CREATED_WITH_TAGS = {"aws:cloudfront/distribution:Distribution"}
# Inputs that a resource type updates with other operations or under another name.
_UPDATED_SEPARATELY = {
    "aws:ecs/service:Service": {"cluster"},
    "aws:lb/loadBalancer:LoadBalancer": {"securityGroups", "subnets"},
    "aws:ecr/repository:Repository": {"imageScanningConfiguration", "imageTagMutability"},
    "aws:cloudfront/distribution:Distribution": _CONFIGURATION,
    "aws:cloudfront/function:Function": {"comment", "runtime"},
    "aws:cloudwatch/eventTarget:EventTarget": {"arn", "input"},
    "aws:cloudwatch/logGroup:LogGroup": {"kmsKeyId"},
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": {"metricTransformation"},
    "aws:lambda/function:Function": {"architectures"},
    "aws:iam/role:Role": {"assumeRolePolicy", "permissionsBoundary"},
}
# Parameters that a resource type builds from several inputs.
_BUILT = {
    "AttributeName",
    "ChangeBatch",
    "Code",
    "FunctionCode",
    "HostedZoneId",
    "Targets",
    "containerDefinitions",
    "metricTransformations",
}
# Outputs that a resource type computes from the response of the read operation.
_DERIVED = {
    "aws:appautoscaling/policy:Policy": {"alarmArns"},
    "aws:ecs/service:Service": {"networkConfiguration"},
    "aws:ecs/taskDefinition:TaskDefinition": {"arnWithoutRevision"},
    "aws:lb/listener:Listener": {"certificateArn"},
    "aws:lb/loadBalancer:LoadBalancer": {
        "arnSuffix",
        "dropInvalidHeaderFields",
        "enableDeletionProtection",
        "idleTimeout",
        "internal",
        "subnets",
    },
    "aws:lb/targetGroup:TargetGroup": {"arnSuffix", "deregistrationDelay", "healthCheck"},
    "aws:route53/record:Record": {"aliases", "fqdn", "zoneId"},
    "aws:cloudfront/distribution:Distribution": {"etag", "hostedZoneId", "loggingV1Enabled"},
    "aws:cloudfront/function:Function": {"code", "etag", "liveStageEtag"},
    "aws:cloudfront/vpcOrigin:VpcOrigin": {"etag"},
    "aws:cloudwatch/eventRule:EventRule": {"isEnabled"},
    "aws:cloudwatch/eventTarget:EventTarget": {"eventBusName", "rule"},
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": {"resourceArn"},
    "aws:cloudwatch/logGroup:LogGroup": {"arn"},
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": {"metricTransformation"},
    "aws:cognito/resourceServer:ResourceServer": {"scopeIdentifiers"},
    "aws:cognito/userPool:UserPool": {"endpoint"},
    "aws:cognito/userPoolDomain:UserPoolDomain": {"cloudfrontDistributionZoneId"},
    "aws:lambda/alias:Alias": {"functionName", "invokeArn"},
    "aws:lambda/function:Function": {
        "invokeArn",
        "qualifiedArn",
        "qualifiedInvokeArn",
        "reservedConcurrentExecutions",
        "responseStreamingInvokeArn",
    },
    "aws:lambda/functionUrl:FunctionUrl": {"functionName", "qualifier", "urlId"},
    "aws:lambda/permission:Permission": {
        "action",
        "function",
        "functionUrlAuthType",
        "invokedViaFunctionUrl",
        "principal",
        "qualifier",
        "sourceAccount",
        "sourceArn",
        "statementId",
    },
    "aws:secretsmanager/secretVersion:SecretVersion": {"hasSecretStringWo"},
    # Attributes, whose names botocore doesn't know.
    "aws:sns/topic:Topic": {"arn", "beginningArchiveTime", "name", "owner"},
    "aws:sns/topicPolicy:TopicPolicy": {"arn", "owner", "policy"},
    "aws:sns/topicSubscription:TopicSubscription": {
        "arn",
        "confirmationWasAuthenticated",
        "endpoint",
        "ownerId",
        "pendingConfirmation",
        "protocol",
        "topic",
    },
    "aws:wafv2/webAcl:WebAcl": {"applicationIntegrationUrl", "lockToken", "scope"},
}


def _sdk(token: str) -> tuple[Any, Any]:
    """The SDK's classes of a resource type: the resource's and its arguments'."""
    package, path, name = token.split(":")
    folder = path.split("/")[0].replace("lambda", "lambda_")
    root = {"aws": AWS, "docker": DOCKER, "random": RANDOM}[package]
    module = root if folder == "index" else getattr(root, folder)
    return getattr(module, name), getattr(module, f"{name}Args")


def _arguments(cls: Any) -> dict[str, Any]:  # noqa: ANN401 - a class of an SDK
    names = _types.input_type_py_to_pulumi_names(cls)
    return {names.get(key, key): kind for key, kind in _types.input_type_types(cls).items()}


def _required(cls: Any) -> set[str]:  # noqa: ANN401 - a class of an SDK
    names = _types.input_type_py_to_pulumi_names(cls)
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return {
        names.get(each.name, each.name)
        for each in parameters
        if each.default is inspect.Parameter.empty and each.kind is not each.VAR_KEYWORD
    }


def _alternatives(kind: Any) -> Iterator[Any]:  # noqa: ANN401 - an annotation
    """Yield the possible types of a value, without the wrappers for outputs."""
    if typing.get_origin(kind) is typing.Union:
        for argument in typing.get_args(kind):
            yield from _alternatives(argument)
    else:
        yield kind


def _kinds(kind: Any) -> set[Kind]:  # noqa: ANN401 - an annotation
    found: set[Kind] = set()
    for each in _alternatives(kind):
        origin = typing.get_origin(each)
        if inspect.isclass(each) and _types.is_input_type(each):
            found |= {Kind.OBJECT, Kind.JSON}
        elif inspect.isclass(each) and issubclass(each, pulumi.Archive):
            found.add(Kind.ASSET)
        elif origin is not None and issubclass(origin, typing.Sequence):
            found |= {Kind.LIST, Kind.SET}
        elif origin is not None and issubclass(origin, typing.Mapping):
            found.add(Kind.MAP)
        elif inspect.isclass(each) and issubclass(each, enum.Enum):
            found.add(Kind.STRING)
        else:
            simple = {
                str: {Kind.STRING, Kind.JSON},
                int: {Kind.INTEGER},
                bool: {Kind.BOOLEAN},
                float: {Kind.NUMBER},
            }
            found |= simple.get(each, set())
    return found


def _nested(kind: Any) -> Any:  # noqa: ANN401 - an annotation
    """The class of the objects in a type, if there are any."""
    for each in _alternatives(kind):
        if inspect.isclass(each) and _types.is_input_type(each):
            return each
        for argument in typing.get_args(each):
            if (found := _nested(argument)) is not None:
                return found
    return None


def _compare(properties: Properties, cls: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - a class of an SDK
    arguments = _arguments(cls)
    inputs = {
        name: each
        for name, each in properties.items()
        if (not each.output or each.unsupported) and name not in _OWN
    }
    yield from (f"{path}{name} is not declared" for name in arguments.keys() - inputs.keys())
    yield from (f"{path}{name} is not in the SDK" for name in inputs.keys() - arguments.keys())
    for name in inputs.keys() & arguments.keys():
        declared = inputs[name]
        if declared.unsupported:
            continue
        if declared.kind not in _kinds(arguments[name]):
            yield f"{path}{name} is {declared.kind}, in the SDK {arguments[name]}"
        if name in _required(cls) and not declared.required:
            yield f"{path}{name} is required in the SDK"
        objects = declared.items if declared.items is not None else declared
        if objects.kind is Kind.OBJECT:
            yield from _compare(objects.properties, _nested(arguments[name]), f"{path}{name}.")


@pytest.mark.parametrize("resource", _TYPES, ids=lambda resource: resource.token)
def test_inputs_match_the_sdk(resource: ResourceType[Any]) -> None:
    _, arguments = _sdk(resource.token)
    assert sorted(_compare(resource.properties, arguments, "")) == []


@pytest.mark.parametrize("resource", _TYPES, ids=lambda resource: resource.token)
def test_outputs_match_the_sdk(resource: ResourceType[Any]) -> None:
    cls, _ = _sdk(resource.token)
    names = set(_types.resource_types(cls))
    outputs = {name for name, each in resource.properties.items() if each.output}
    assert outputs <= names
    assert names <= set(resource.properties)


@pytest.mark.parametrize("resource", _TYPES, ids=lambda resource: resource.token)
def test_secret_outputs_match_the_sdk(resource: ResourceType[Any]) -> None:
    cls, _ = _sdk(resource.token)
    marked = re.search(r"additional_secret_outputs=\[(.*?)\]", inspect.getsource(cls))
    names = set(re.findall(r'"(\w+)"', marked.group(1))) if marked else set()
    returned = {
        name for name, each in resource.properties.items() if each.output or not each.unsupported
    }
    secret = {name for name, each in resource.properties.items() if each.secret}
    assert secret == names & returned


@pytest.mark.parametrize(
    ("configuration", "package"),
    [(CONFIGURATION, AWS), (docker_image.CONFIGURATION, DOCKER)],
)
def test_provider_configuration_matches_the_sdk(
    configuration: Properties,
    package: Any,  # noqa: ANN401 - an SDK
) -> None:
    assert set(configuration) == set(_arguments(package.ProviderArgs))


def test_endpoints_have_the_names_of_the_sdk() -> None:
    names = _arguments(AWS.ProviderEndpointArgs)
    assert set(ENDPOINTS.values()) <= set(names)


@pytest.mark.parametrize("token", INVOKES)
def test_arguments_of_functions_match_the_sdk(token: str) -> None:
    _, path, name = token.split(":")
    folder = path.split("/")[0]
    module = AWS if folder == "index" else getattr(AWS, folder)
    snake = "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
    parameters = inspect.signature(getattr(module, snake)).parameters
    camel = {
        key.split("_")[0] + key.title().replace("_", "")[len(key.split("_")[0]) :]
        for key in parameters
    }
    assert set(INVOKES[token].arguments) == camel - {"opts"}


def test_versions_match_the_sdks() -> None:
    requirements = (ROOT / "requirements.txt").read_text()
    for provider in (
        aws.provider(Path()),
        docker_image.provider(Path()),
        random_string.provider(),
    ):
        assert f"pulumi-{provider.name}=={provider.version}" in requirements


def _shape(resource: AwsResource, operation: str) -> StructureShape:
    model = _SESSION.get_service_model(resource.service).operation_model(operation)
    assert model.input_shape is not None
    return model.input_shape


_FITTING: dict[Kind, set[str]] = {
    Kind.STRING: {"string", "timestamp"},
    Kind.JSON: {"string"},
    Kind.INTEGER: {"integer", "long"},
    Kind.NUMBER: {"float", "double", "integer", "long"},
    Kind.BOOLEAN: {"boolean"},
    Kind.MAP: {"map"},
    Kind.OBJECT: {"structure"},
    Kind.LIST: {"list", "structure"},
    Kind.SET: {"list"},
}


def _misfits(declared: Property, shape: Shape, casing: Casing, path: str) -> Iterator[str]:
    if shape.type_name not in _FITTING[declared.kind]:
        yield f"{path} is {declared.kind}, in botocore {shape.type_name}"
    elif declared.kind is Kind.OBJECT:
        yield from _object_misfits(declared.properties, shape, casing, f"{path}.")
    elif declared.items is not None and isinstance(shape, ListShape):
        yield from _misfits(declared.items, shape.member, casing, f"{path}[]")
    elif declared.items is not None and isinstance(shape, MapShape):
        yield from _misfits(declared.items, shape.value, casing, f"{path}{{}}")
    elif declared.items is not None:
        yield from _misfits(declared.items, shape, casing, f"{path}[]")


def _object_misfits(
    properties: Properties, shape: Shape, casing: Casing, path: str
) -> Iterator[str]:
    for name, declared in properties.items():
        if declared.unsupported or declared.output:
            continue
        member = resolve(shape, aws_name(name, declared, casing).split("."))
        if member is None:
            yield f"{path}{name} is not in botocore"
        else:
            yield from _misfits(declared, member, casing, f"{path}{name}")


@pytest.mark.parametrize("resource", _AWS_RESOURCES, ids=lambda resource: resource.token)
def test_inputs_match_the_parameters_of_the_create_operation(resource: AwsResource) -> None:
    sent = {
        name: each for name, each in resource.properties.items() if name not in resource.handled
    }
    shape = _shape(resource, resource.creates.name)
    assert list(_object_misfits(sent, shape, resource.casing, "")) == []
    taken = {aws_name(name, sent[name], resource.casing).split(".")[0] for name in sent}
    required = set(shape.required_members) - _BUILT
    assert required <= taken


@pytest.mark.parametrize("resource", _AWS_RESOURCES, ids=lambda resource: resource.token)
def test_every_updatable_input_has_an_operation(resource: AwsResource) -> None:
    apart = resource.handled | _UPDATED_SEPARATELY.get(resource.token, set())
    changing = {
        name: each
        for name, each in resource.properties.items()
        if not (each.force_new or each.write_only) and name not in apart
    }
    changing = {n: each for n, each in changing.items() if not (each.output or each.unsupported)}
    if resource.updates is None:
        assert changing == {}
    else:
        shape = _shape(resource, resource.updates.name)
        assert list(_object_misfits(changing, shape, resource.casing, "")) == []


@pytest.mark.parametrize("resource", _AWS_RESOURCES, ids=lambda resource: resource.token)
def test_outputs_match_the_response_of_the_read_operation(resource: AwsResource) -> None:
    model = _SESSION.get_service_model(resource.service).operation_model(resource.reads.name)
    shape: Shape | None = model.output_shape
    assert shape is not None
    if resource.reads.result is not None:
        shape = resolve(shape, [resource.reads.result])
    if isinstance(shape, ListShape):
        shape = shape.member
    assert shape is not None
    apart = {"region", "tags", "tagsAll"} | _DERIVED.get(resource.token, set())
    missing = [
        name
        for name, declared in resource.properties.items()
        if name not in apart
        and not (declared.write_only or (declared.unsupported and not declared.output))
        and resolve(
            shape,
            (declared.aws_read or aws_name(name, declared, resource.casing)).split("."),
        )
        is None
    ]
    assert missing == []


@pytest.mark.parametrize("resource", _AWS_RESOURCES, ids=lambda resource: resource.token)
def test_tagging_operations_exist(resource: AwsResource) -> None:
    tagging = resource.tagging
    assert (tagging is not None) == ("tags" in resource.properties)
    if tagging is None:
        return
    assert resource.token in _CREATED_WITH_TAGS or (
        tagging.created_as in _shape(resource, resource.creates.name).members
    )
    assert {tagging.resource, tagging.tags} <= set(_shape(resource, tagging.tag).members)
    assert {tagging.resource, tagging.keys} <= set(_shape(resource, tagging.untag).members)
    if tagging.list is not None:
        assert tagging.resource in _shape(resource, tagging.list).members


@pytest.mark.parametrize("resource", _AWS_RESOURCES, ids=lambda resource: resource.token)
def test_identities_match_the_parameters_of_the_operations(resource: AwsResource) -> None:
    identity = resource.identity(
        resource_request(fake(), "a/b|c:d", {"userPoolId": "p", "function": "f"})
    )
    for operation in filter(None, (resource.reads, resource.updates, resource.deletes)):
        if resource.token.endswith("SecretVersion") and operation is resource.deletes:
            continue
        shape = _shape(resource, operation.name)
        # Targets and transformations follow from the inputs, and the version from a read.
        assert set(shape.required_members) - set(identity) - {
            "IfMatch",
            "LockToken",
            "Targets",
            "metricTransformations",
        } <= {
            aws_name(name, declared, resource.casing)
            for name, declared in resource.properties.items()
            if declared.required
        }


# The inputs that force a replacement in the schemas of the real providers (pulumi_aws 7.51.1).
_REPLACED = {
    "aws:cloudwatch/logDelivery:LogDelivery": {"deliveryDestinationArn", "deliverySourceName"},
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": {"name", "outputFormat"},
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": {"logType", "name", "resourceArn"},
    "aws:appautoscaling/policy:Policy": {
        "name",
        "resourceId",
        "scalableDimension",
        "serviceNamespace",
    },
    "aws:appautoscaling/target:Target": {"resourceId", "scalableDimension", "serviceNamespace"},
    "aws:cloudfront/vpcOrigin:VpcOrigin": set(),
    "aws:ec2/securityGroup:SecurityGroup": {"description", "name", "vpcId"},
    "aws:ecs/cluster:Cluster": {"name"},
    "aws:ecs/service:Service": {"cluster", "launchType", "name", "schedulingStrategy"},
    "aws:ecs/taskDefinition:TaskDefinition": {
        "containerDefinitions",
        "cpu",
        "executionRoleArn",
        "family",
        "memory",
        "networkMode",
        "requiresCompatibilities",
        "runtimePlatform",
        "taskRoleArn",
    },
    "aws:lb/listener:Listener": {"loadBalancerArn"},
    "aws:lb/loadBalancer:LoadBalancer": {"internal", "loadBalancerType", "name"},
    "aws:lb/targetGroup:TargetGroup": {
        "ipAddressType",
        "name",
        "port",
        "protocol",
        "protocolVersion",
        "targetType",
        "vpcId",
    },
    "aws:route53/record:Record": {"name", "zoneId"},
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": {"securityGroupId"},
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {"securityGroupId"},
    "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion": {
        "autoScalingConfigurationName",
        "maxConcurrency",
        "maxSize",
        "minSize",
    },
    "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration": {
        "observabilityConfigurationName",
        "traceConfiguration",
    },
    "aws:apprunner/service:Service": {"encryptionConfiguration", "serviceName"},
    "aws:apprunner/vpcConnector:VpcConnector": {"securityGroups", "subnets", "vpcConnectorName"},
    "aws:cloudfront/distribution:Distribution": set(),
    "aws:cloudfront/function:Function": {"name"},
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": {"actionsEnabled", "alarmName"},
    "aws:cloudwatch/dashboard:Dashboard": {"dashboardName"},
    "aws:cloudwatch/eventRule:EventRule": {"eventBusName", "name"},
    "aws:cloudwatch/eventTarget:EventTarget": {"eventBusName", "rule", "targetId"},
    "aws:cloudwatch/logGroup:LogGroup": {"logGroupClass", "name"},
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": {"logGroupName", "name"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"name"},
    "aws:cognito/resourceServer:ResourceServer": {"identifier", "name", "userPoolId"},
    "aws:cognito/userPool:UserPool": {
        "aliasAttributes",
        "name",
        "usernameAttributes",
        "usernameConfiguration",
    },
    "aws:cognito/userPoolClient:UserPoolClient": {"generateSecret", "userPoolId"},
    "aws:cognito/userPoolDomain:UserPoolDomain": {"domain", "userPoolId"},
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": {"policy", "repository"},
    "aws:ecr/repository:Repository": {"encryptionConfigurations", "name"},
    "aws:iam/role:Role": {"name", "path"},
    "aws:iam/rolePolicy:RolePolicy": {"name", "role"},
    "aws:lambda/alias:Alias": {"functionName", "name"},
    "aws:lambda/function:Function": {"name", "packageType"},
    "aws:lambda/functionUrl:FunctionUrl": {"functionName", "qualifier"},
    "aws:lambda/invocation:Invocation": {"functionName", "input", "qualifier", "triggers"},
    "aws:lambda/permission:Permission": {
        "action",
        "function",
        "functionUrlAuthType",
        "invokedViaFunctionUrl",
        "principal",
        "qualifier",
        "sourceAccount",
        "sourceArn",
        "statementId",
    },
    "aws:secretsmanager/secret:Secret": {"name"},
    "aws:secretsmanager/secretRotation:SecretRotation": {"secretId"},
    "aws:secretsmanager/secretVersion:SecretVersion": {"secretId", "secretString"},
    "aws:sns/topic:Topic": {"name"},
    "aws:sns/topicPolicy:TopicPolicy": {"arn"},
    "aws:sns/topicSubscription:TopicSubscription": {"endpoint", "protocol", "topic"},
    "aws:wafv2/webAcl:WebAcl": {"name", "scope"},
    "docker:index/image:Image": set(),
    "random:index/randomString:RandomString": {
        "keepers",
        "length",
        "lower",
        "minLower",
        "minNumeric",
        "minSpecial",
        "minUpper",
        "numeric",
        "overrideSpecial",
        "special",
        "upper",
    },
}


@pytest.mark.parametrize("resource", _TYPES, ids=lambda resource: resource.token)
def test_replacements_are_those_of_the_real_provider(
    resource: ResourceType[Any],
) -> None:
    forcing = {name for name, each in resource.properties.items() if each.force_new}
    assert forcing - {"region"} == _REPLACED[resource.token]
