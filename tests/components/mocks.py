"""Runs Pulumi programs without an engine, and records the resources that they register."""

import asyncio
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, rpc, set_all_config, set_mocks
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import get_root_resource

# How Pulumi's protocol marks a secret. Source: runtime/rpc.py of the SDK, where both are private.
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"

PROJECT = "neo4j-mcp"
REGION = "us-east-1"
ACCOUNT = "123456789012"
DIGEST = "sha256:" + "ab" * 32
POOL_ID = f"{REGION}_Example01"


@dataclass(frozen=True, kw_only=True)
class Registration:
    """One resource as the program registered it."""

    type: str
    name: str
    urn: str
    inputs: Mapping[str, Any]
    secret_inputs: frozenset[str]
    parent: str
    protect: bool
    retain_on_delete: bool
    delete_before_replace: bool | None
    replace_on_changes: tuple[str, ...]
    dependencies: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a program registered, and its outputs."""

    registrations: tuple[Registration, ...]
    outputs: Mapping[str, Any]
    secret_outputs: frozenset[str]

    def of_type(self, type_: str) -> list[Registration]:
        return [each for each in self.registrations if each.type == type_]

    def one(self, type_: str, part_of_name: str = "") -> Registration:
        found = [each for each in self.of_type(type_) if part_of_name in each.name]
        assert len(found) == 1, f"{len(found)} of {type_} {part_of_name}"
        return found[0]

    def statements(self, part_of_name: str) -> list[dict[str, Any]]:
        policy = self.one("aws:iam/rolePolicy:RolePolicy", part_of_name)
        statements: list[dict[str, Any]] = json.loads(policy.inputs["policy"])["Statement"]
        return statements


def _filtered(args: Mapping[str, Any], name: str) -> list[str] | None:
    """Return the values of a filter; None without it."""
    filters = args.get("filters") or []
    return next((each["values"] for each in filters if each["name"] == name), None)


def _vpcs(args: Mapping[str, Any]) -> dict[str, Any]:
    wanted = _filtered(args, "vpc-id")
    return {"ids": [VPC_ID] if wanted is None or VPC_ID in wanted else []}


def _subnets(args: Mapping[str, Any]) -> dict[str, Any]:
    wanted = _filtered(args, "subnet-id")
    return {"ids": [each for each in SUBNETS if wanted is None or each in wanted]}


def _subnet(args: Mapping[str, Any]) -> dict[str, Any]:
    name = args["id"]
    return {"id": name, "vpcId": VPC_ID, "availabilityZone": SUBNETS[name]}


def _route_table(_args: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "routes": [
            {"cidrBlock": "172.31.0.0/16", "gatewayId": "local"},
            {"cidrBlock": "0.0.0.0/0", "gatewayId": "igw-00000001"},
        ],
        "associations": [{"main": True, "subnetId": ""}],
    }


# A default VPC as every account has one in every region, unless it deleted it.
VPC_ID = "vpc-00000001"
SUBNETS: Mapping[str, str] = {
    "subnet-0000000a": f"{REGION}a",
    "subnet-0000000b": f"{REGION}b",
    "subnet-0000000c": f"{REGION}c",
}
PREFIX_LIST_ID = "pl-00000001"
_NETWORK: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "aws:ec2/getVpcs:getVpcs": _vpcs,
    "aws:ec2/getSubnets:getSubnets": _subnets,
    "aws:ec2/getSubnet:getSubnet": _subnet,
    "aws:ec2/getRouteTables:getRouteTables": lambda _args: {"ids": ["rtb-00000001"]},
    "aws:ec2/getRouteTable:getRouteTable": _route_table,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": lambda _args: {"id": PREFIX_LIST_ID},
}


class _Cloud(Mocks):
    """Answers as AWS would: created resources get an id, an ARN and other computed values."""

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        answers = {
            "aws:index/getRegion:getRegion": {"id": REGION, "region": REGION},
            "aws:ecr/getAuthorizationToken:getAuthorizationToken": {
                "id": REGION,
                "userName": "AWS",
                "password": "registry-password",
            },
        }
        found: dict[str, Any] = (
            _NETWORK[args.token](args.args) if args.token in _NETWORK else answers[args.token]
        )
        return found, []

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        computed = _COMPUTED.get(args.typ, _nothing)(args)
        identifier = str(computed.pop("id", f"{args.name}-id"))
        return identifier, {**args.inputs, **computed}


def _nothing(_args: MockResourceArgs) -> dict[str, Any]:
    return {}


def _arn(
    service: str, kind: str, name_property: str
) -> Callable[[MockResourceArgs], dict[str, Any]]:
    def computed(args: MockResourceArgs) -> dict[str, Any]:
        name = args.inputs[name_property]
        return {"arn": f"arn:aws:{service}:{REGION}:{ACCOUNT}:{kind}{name}"}

    return computed


def _repository(args: MockResourceArgs) -> dict[str, Any]:
    name = args.inputs["name"]
    return {
        "arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{name}",
        "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}",
        "registryId": ACCOUNT,
    }


def _image(args: MockResourceArgs) -> dict[str, Any]:
    repository = args.inputs["imageName"].rpartition(":")[0]
    return {"repoDigest": f"{repository}@{DIGEST}"}


def _user_pool(_args: MockResourceArgs) -> dict[str, Any]:
    return {
        "id": POOL_ID,
        "arn": f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{POOL_ID}",
        "endpoint": f"cognito-idp.{REGION}.amazonaws.com/{POOL_ID}",
    }


def _app_client(args: MockResourceArgs) -> dict[str, Any]:
    return {
        "id": f"id-of-{args.inputs['name']}",
        "clientSecret": f"secret-of-{args.inputs['name']}",
    }


def _service(args: MockResourceArgs) -> dict[str, Any]:
    return {
        "arn": f"arn:aws:apprunner:{REGION}:{ACCOUNT}:service/{args.inputs['serviceName']}/0123",
        "serviceUrl": f"abc.{REGION}.awsapprunner.com",
        "serviceId": "0123",
    }


def _load_balancer(args: MockResourceArgs) -> dict[str, Any]:
    name = args.inputs["name"]
    suffix = f"app/{name}/0123"
    return {
        "arn": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/{suffix}",
        "arnSuffix": suffix,
        "dnsName": f"{name}-0123.{REGION}.elb.amazonaws.com",
        "zoneId": "Z35SXDOTRQ7X7K",
    }


def _target_group(args: MockResourceArgs) -> dict[str, Any]:
    suffix = f"targetgroup/{args.inputs['name']}/0123"
    return {
        "arn": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:{suffix}",
        "arnSuffix": suffix,
    }


_COMPUTED: Mapping[str, Callable[[MockResourceArgs], dict[str, Any]]] = {
    "aws:ecr/repository:Repository": _repository,
    "docker:index/image:Image": _image,
    "aws:cognito/userPool:UserPool": _user_pool,
    "aws:cognito/userPoolClient:UserPoolClient": _app_client,
    "aws:cognito/userPoolDomain:UserPoolDomain": lambda _args: {
        "cloudfrontDistribution": "d111111abcdef8.cloudfront.net",
        "cloudfrontDistributionZoneId": "Z2FDTNDATAQYW2",
    },
    "aws:apprunner/service:Service": _service,
    "aws:ec2/securityGroup:SecurityGroup": lambda args: {"id": f"sg-of-{args.inputs['name']}"},
    "aws:ecs/cluster:Cluster": _arn("ecs", "cluster/", "name"),
    "aws:ecs/service:Service": _arn("ecs", "service/", "name"),
    "aws:ecs/taskDefinition:TaskDefinition": lambda args: {
        "arn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{args.inputs['family']}:1"
    },
    "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:lb/targetGroup:TargetGroup": _target_group,
    "aws:lb/listener:Listener": lambda args: {"arn": f"{args.inputs['loadBalancerArn']}/listener"},
    "aws:cloudfront/vpcOrigin:VpcOrigin": lambda _args: {"id": "vo_0123"},
    "aws:cloudfront/function:Function": _arn("cloudfront", "function/", "name"),
    "aws:cloudfront/distribution:Distribution": lambda _args: {
        "arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/E0123",
        "domainName": "d222222abcdef8.cloudfront.net",
    },
    "aws:wafv2/webAcl:WebAcl": _arn("wafv2", "global/webacl/", "name"),
    "aws:iam/role:Role": _arn("iam", "role/", "name"),
    "aws:lambda/function:Function": lambda args: {
        **_arn("lambda", "function:", "name")(args),
        "version": "1",
    },
    "aws:lambda/functionUrl:FunctionUrl": lambda _args: {
        "functionUrl": f"https://abc.lambda-url.{REGION}.on.aws/",
        "urlId": "abc",
    },
    "aws:cloudwatch/eventRule:EventRule": _arn("events", "rule/", "name"),
    "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": _arn(
        "logs", "delivery-destination:", "name"
    ),
    "aws:cloudwatch/logDeliverySource:LogDeliverySource": _arn("logs", "delivery-source:", "name"),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _arn("cloudwatch", "alarm:", "alarmName"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": _arn("cloudwatch", "alarm:", "name"),
    "aws:sns/topic:Topic": _arn("sns", "", "name"),
    "aws:cloudwatch/logGroup:LogGroup": _arn("logs", "log-group:", "name"),
    "aws:secretsmanager/secret:Secret": _arn("secretsmanager", "secret:", "name"),
    "aws:apprunner/vpcConnector:VpcConnector": _arn(
        "apprunner", "vpcconnector/", "vpcConnectorName"
    ),
    "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion": _arn(
        "apprunner", "autoscalingconfiguration/", "autoScalingConfigurationName"
    ),
    "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration": _arn(
        "apprunner", "observabilityconfiguration/", "observabilityConfigurationName"
    ),
    "random:index/randomString:RandomString": lambda _args: {"result": "k3x9q2ab"},
}


@dataclass
class RecordingMonitor(MockMonitor):
    """The mock monitor, with a record of whole requests: the mocks only see the inputs."""

    registrations: list[Registration] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(_Cloud())

    def RegisterResource(  # noqa: N802  gRPC's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        response: resource_pb2.RegisterResourceResponse = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK's mocks have no types
        if request.type != "pulumi:pulumi:Stack":
            dependencies = set(request.dependencies)
            for each in request.propertyDependencies.values():
                dependencies.update(each.urns)
            self.registrations.append(
                Registration(
                    type=request.type,
                    name=request.name,
                    urn=response.urn,
                    inputs=_plain(rpc.deserialize_properties(request.object)),
                    secret_inputs=frozenset(_secret_paths(request.object, "")),
                    parent=request.parent,
                    protect=request.protect,
                    retain_on_delete=request.retainOnDelete,
                    delete_before_replace=(
                        request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None
                    ),
                    replace_on_changes=tuple(request.replaceOnChanges),
                    dependencies=frozenset(dependencies),
                )
            )
        return response


@functools.cache
def _event_loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def run_program(
    program: Callable[[], Mapping[str, Any] | None],
    *,
    stack: str = "dev",
    config: Mapping[str, str] | None = None,
) -> Result:
    """Run a program to its end.

    Args:
        program: declares resources, and returns or exports outputs.
        stack: the stack's name.
        config: the configuration, by full key, as the engine passes it.
    """
    # The SDK needs a current event loop, and leaves tasks in it. All programs share one; another
    # test may have set its own since.
    asyncio.set_event_loop(_event_loop())
    monitor = RecordingMonitor()
    set_mocks(_Cloud(), project=PROJECT, stack=stack, preview=False, monitor=monitor)
    set_all_config(dict(config or {}))
    values: dict[str, Any] = {}
    secret: set[str] = set()

    async def record(name: str, output: pulumi.Output[Any]) -> None:
        values[name] = await output.future()
        if await output.is_secret():
            secret.add(name)

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # the SDK's mocks have no types
    def run() -> pulumi.Output[Any]:
        root = get_root_resource()
        assert root is not None
        # All programs share the stack, which would keep the exports of the one before.
        root.outputs = {}  # type: ignore[attr-defined]  # Stack has them
        returned = program()
        exported = returned if returned is not None else root.outputs  # type: ignore[attr-defined]  # Stack has them
        outputs = {name: pulumi.Output.from_input(value) for name, value in exported.items()}

        async def record_all() -> None:
            for name, output in outputs.items():
                await record(name, output)

        return pulumi.Output.from_input(record_all())

    run()
    return Result(
        registrations=tuple(monitor.registrations),
        outputs=values,
        secret_outputs=frozenset(secret),
    )


def _plain(value: Any) -> Any:  # noqa: ANN401  any JSON there is
    """Unwrap secrets."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return _plain(value["value"])
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


def _secret_paths(struct: Any, prefix: str) -> list[str]:  # noqa: ANN401  a protobuf Struct
    paths = []
    for key, value in struct.fields.items():
        if value.HasField("struct_value"):
            nested = value.struct_value
            signature = nested.fields.get(_SIGNATURE)
            if signature is not None and signature.string_value == _SECRET:
                paths.append(f"{prefix}{key}")
            else:
                paths += _secret_paths(nested, f"{prefix}{key}.")
    return paths
