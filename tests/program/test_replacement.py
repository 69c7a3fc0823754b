"""Every resource of the program can be replaced on a live stack."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.replacement import REPLACEMENTS
from localcloud.providers import docker_image, random_string
from localcloud.providers.aws.provider import RESOURCES
from localcloud.providers.schema import ResourceType
from tests.components.mocks import Registration, Result
from tests.program.conftest import ON_FARGATE, ON_LAMBDA, SERVICE_DOMAIN, Deploy

_TYPES: tuple[ResourceType[Any], ...] = (
    *RESOURCES,
    docker_image.Image(),
    random_string.RandomString(),
)
_DECLARED = {each.token: each for each in _TYPES}


# For each type, the inputs that together are unique on AWS. A type that is missing here gets its id
# from AWS, or a new revision or version.
_UNIQUE: Mapping[str, tuple[str, ...]] = {
    "aws:appautoscaling/policy:Policy": ("resourceId", "name"),
    "aws:appautoscaling/target:Target": ("resourceId", "scalableDimension"),
    "aws:apprunner/service:Service": ("serviceName",),
    "aws:apprunner/vpcConnector:VpcConnector": ("vpcConnectorName",),
    "aws:cloudfront/function:Function": ("name",),
    "aws:cloudwatch/eventRule:EventRule": ("name",),
    "aws:cloudwatch/eventTarget:EventTarget": ("rule", "targetId"),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("alarmName",),
    "aws:cloudwatch/dashboard:Dashboard": ("dashboardName",),
    "aws:cloudwatch/logGroup:LogGroup": ("name",),
    "aws:cloudwatch/logMetricFilter:LogMetricFilter": ("logGroupName", "name"),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ("name",),
    "aws:cognito/resourceServer:ResourceServer": ("userPoolId", "identifier"),
    "aws:cognito/userPoolDomain:UserPoolDomain": ("domain",),
    "aws:ec2/securityGroup:SecurityGroup": ("vpcId", "name"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ("repository",),
    "aws:ecr/repository:Repository": ("name",),
    "aws:ecs/cluster:Cluster": ("name",),
    "aws:ecs/service:Service": ("cluster", "name"),
    "aws:iam/role:Role": ("name",),
    "aws:iam/rolePolicy:RolePolicy": ("role", "name"),
    "aws:lambda/alias:Alias": ("functionName", "name"),
    "aws:lambda/function:Function": ("name",),
    "aws:lambda/functionUrl:FunctionUrl": ("functionName", "qualifier"),
    "aws:lambda/permission:Permission": ("function", "qualifier", "statementId"),
    "aws:lb/listener:Listener": ("loadBalancerArn", "port"),
    "aws:lb/loadBalancer:LoadBalancer": ("name",),
    "aws:lb/targetGroup:TargetGroup": ("name",),
    "aws:route53/record:Record": ("zoneId", "name", "type"),
    "aws:secretsmanager/secret:Secret": ("name",),
    "aws:secretsmanager/secretRotation:SecretRotation": ("secretId",),
    "aws:sns/topic:Topic": ("name",),
    "aws:sns/topicPolicy:TopicPolicy": ("arn",),
    "aws:sns/topicSubscription:TopicSubscription": ("topic", "protocol", "endpoint"),
    "aws:wafv2/webAcl:WebAcl": ("name",),
}
_USER_POOL = "aws:cognito/userPool:UserPool"
# Their parents can have only one.
_ONE_PER_PARENT = {
    "aws:cognito/userPoolDomain:UserPoolDomain",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
}


def _vpc(*subnets: str, groups: tuple[str, ...] = ("sg-0000000a",)) -> str:
    return json.dumps({"subnetIds": subnets, "securityGroupIds": groups})


_MONITORED = {
    "neo4j-mcp:monitoring": json.dumps(
        {
            "enabled": True,
            "subscriptions": {"oncall": {"protocol": "email", "endpoint": "a@example.com"}},
        }
    )
}
# Values of every key that causes a replacement or adds resources.
_CHANGES: Mapping[str, Mapping[str, str]] = {
    "namePrefix": {"neo4j-mcp:namePrefix": "other"},
    "resourceServerIdentifier": {"neo4j-mcp:resourceServerIdentifier": "https://graph.example.com"},
    "cognitoDomainPrefix": {"neo4j-mcp:cognitoDomainPrefix": "graph-tokens"},
    "customDomain": {
        "neo4j-mcp:customDomain": json.dumps(
            {
                "name": "auth.example.com",
                "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/a",
            }
        )
    },
    "edge": {"neo4j-mcp:edge": "true", "neo4j-mcp:edgeRequestsPerIp": "100"},
    "namePrefix with an edge": {
        "neo4j-mcp:edge": "true",
        "neo4j-mcp:edgeRequestsPerIp": "100",
        "neo4j-mcp:namePrefix": "other",
    },
    "monitoring": _MONITORED,
    "namePrefix with monitoring": {**_MONITORED, "neo4j-mcp:namePrefix": "other"},
    "another subscriber": {
        "neo4j-mcp:monitoring": json.dumps(
            {
                "enabled": True,
                "subscriptions": {"oncall": {"protocol": "email", "endpoint": "b@example.com"}},
            }
        )
    },
    "hosting": ON_LAMBDA,
    "hosting fargate": ON_FARGATE,
    "namePrefix on Fargate": {**ON_FARGATE, "neo4j-mcp:namePrefix": "other"},
    "its size": {**ON_FARGATE, "neo4j-mcp:cpu": "1024", "neo4j-mcp:memory": "4096"},
    "its access log": {**ON_FARGATE, "neo4j-mcp:accessLogs": "true"},
    "namePrefix with an access log": {
        **ON_FARGATE,
        "neo4j-mcp:accessLogs": "true",
        "neo4j-mcp:namePrefix": "other",
    },
    "its domain": {
        **ON_FARGATE,
        "neo4j-mcp:serviceDomain": json.dumps({**SERVICE_DOMAIN, "name": "other.example.com"}),
    },
    "no domain": {
        **ON_FARGATE,
        "neo4j-mcp:edge": "true",
        "neo4j-mcp:serviceDomain": "{}",
    },
    "namePrefix on Lambda": {**ON_LAMBDA, "neo4j-mcp:namePrefix": "other"},
    "imageRetention": {"neo4j-mcp:imageRetention": "3"},
    "maxInstances": {"neo4j-mcp:maxInstances": "2"},
    "tracing": {"neo4j-mcp:tracing": "true"},
    "vpcConnector": {"neo4j-mcp:vpcConnector": _vpc("subnet-0000000a")},
    "its subnets": {"neo4j-mcp:vpcConnector": _vpc("subnet-0000000b")},
    "its security groups": {
        "neo4j-mcp:vpcConnector": _vpc("subnet-0000000a", groups=("sg-0000000b",))
    },
}


def _resources(result: Result) -> dict[str, Registration]:
    return {
        each.urn: each
        for each in result.registrations
        if not each.type.startswith(("neo4j-mcp:", "pulumi:"))
    }


def _deletes_first(old: Registration, new: Registration) -> bool:
    """Return what the engine does: the option decides, or else the provider."""
    if new.delete_before_replace is not None:
        return new.delete_before_replace
    named = _DECLARED[new.type].autonamed
    return named is not None and old.inputs.get(named) == new.inputs.get(named)


@pytest.mark.parametrize("changed", _CHANGES)
def test_every_resource_follows_the_rule_of_its_type(deploy: Deploy, changed: str) -> None:
    for each in _resources(deploy("dev", _CHANGES[changed])).values():
        assert each.delete_before_replace == REPLACEMENTS[each.type].value, each.name


def test_the_rules_are_for_the_types_of_the_program_and_no_others(deploy: Deploy) -> None:
    used = {
        each.type
        for changes in _CHANGES.values()
        for each in _resources(deploy("dev", changes)).values()
    }
    assert used == set(REPLACEMENTS)


@pytest.mark.parametrize("before", _CHANGES)
@pytest.mark.parametrize("after", _CHANGES)
def test_a_replacement_never_shares_a_unique_name_with_the_old_resource(
    deploy: Deploy, before: str, after: str
) -> None:
    olds = _resources(deploy("dev", _CHANGES[before]))
    news = _resources(deploy("dev", _CHANGES[after]))
    colliding = [
        new.name
        for urn, new in news.items()
        if (old := olds.get(urn)) is not None
        and _is_replaced(old, new)
        and not _deletes_first(old, new)
        and (new.type in _ONE_PER_PARENT or _unique(old, olds) == _unique(new, news) is not None)
    ]
    assert colliding == []


def _unique(each: Registration, resources: Mapping[str, Registration]) -> object:
    """Return what is unique about a resource; None if nothing is."""
    if each.type not in _UNIQUE:
        return None
    # Under mocks every pool has the same id; on AWS a replaced pool has a new one.
    pools = [pool.inputs["name"] for pool in resources.values() if pool.type == _USER_POOL]
    known = {**each.inputs, "userPoolId": pools}
    return [known[name] for name in _UNIQUE[each.type]]


def _is_replaced(old: Registration, new: Registration) -> bool:
    forcing = {
        name for name, declared in _DECLARED[new.type].properties.items() if declared.force_new
    }
    return any(old.inputs.get(name) != new.inputs.get(name) for name in forcing)


def test_the_changes_replace_every_replaceable_type(deploy: Deploy) -> None:
    bases = [
        _resources(deploy("dev", _CHANGES[name]))
        for name in (
            "vpcConnector",
            "hosting",
            "hosting fargate",
            "edge",
            "monitoring",
            "its access log",
        )
    ]
    replaced = {
        new.type
        for base in bases
        for changes in _CHANGES.values()
        for urn, new in _resources(deploy("dev", changes)).items()
        if (old := base.get(urn)) is not None and _is_replaced(old, new)
    }
    # An image is updated in place, a random suffix depends on nothing, and no client is replaced,
    # because every pool has the same id under mocks. No setting replaces the edge's distribution or
    # its way into a VPC.
    kept = {
        "aws:cloudfront/distribution:Distribution",
        "aws:cloudfront/vpcOrigin:VpcOrigin",
        "aws:cognito/userPoolClient:UserPoolClient",
        "docker:index/image:Image",
        "random:index/randomString:RandomString",
    }
    assert replaced == set(REPLACEMENTS) - kept


def test_a_custom_domain_is_created_next_to_the_prefix_domain(
    deploy: Deploy,
) -> None:
    prefix = deploy("dev").one("aws:cognito/userPoolDomain:UserPoolDomain")
    custom = deploy("dev", _CHANGES["customDomain"]).one(
        "aws:cognito/userPoolDomain:UserPoolDomain"
    )
    assert prefix.urn != custom.urn
