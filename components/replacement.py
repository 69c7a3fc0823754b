"""Whether a replaced resource is deleted before or after its successor is created. Pure."""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


class Replacement(enum.Enum):
    """When the old resource is deleted; the value is Pulumi's ``delete_before_replace``."""

    DELETE_FIRST = True
    """Old and new can't exist together, even where their names differ."""
    CREATE_FIRST = False
    """Old and new exist together until what depends on the old one has moved to the new one."""
    BY_NAME = None
    """pulumi-aws decides: it deletes first if the name stays the same, and last if it changes."""


# Source for BY_NAME: nameRequiresDeleteBeforeReplace in pulumi/pulumi-terraform-bridge, which
# applies to types for which Pulumi can generate a `name`. The names are in components.names.
REPLACEMENTS: Final[Mapping[str, Replacement]] = MappingProxyType(
    {
        # It is replaced only with its cluster, which has another name then.
        "aws:appautoscaling/policy:Policy": Replacement.CREATE_FIRST,
        "aws:appautoscaling/target:Target": Replacement.CREATE_FIRST,
        # A second configuration of the same name is its next revision, and the one that a service
        # uses can't be deleted.
        "aws:apprunner/autoScalingConfigurationVersion:AutoScalingConfigurationVersion": (
            Replacement.CREATE_FIRST
        ),
        "aws:apprunner/observabilityConfiguration:ObservabilityConfiguration": (
            Replacement.CREATE_FIRST
        ),
        # Names are unique in a region, and pulumi-aws generates none.
        "aws:apprunner/service:Service": Replacement.DELETE_FIRST,
        # One that a service uses can't be deleted, so the name contains a hash of the content.
        "aws:apprunner/vpcConnector:VpcConnector": Replacement.CREATE_FIRST,
        # Nothing but a change from or to a staging distribution replaces it.
        "aws:cloudfront/distribution:Distribution": Replacement.CREATE_FIRST,
        # One that a distribution uses can't be deleted.
        "aws:cloudfront/function:Function": Replacement.BY_NAME,
        # One that a distribution uses can neither be changed nor deleted, so another load balancer
        # has another one.
        "aws:cloudfront/vpcOrigin:VpcOrigin": Replacement.CREATE_FIRST,
        # They are replaced only with another name.
        "aws:cloudwatch/compositeAlarm:CompositeAlarm": Replacement.CREATE_FIRST,
        "aws:cloudwatch/dashboard:Dashboard": Replacement.CREATE_FIRST,
        "aws:cloudwatch/eventRule:EventRule": Replacement.BY_NAME,
        # It is replaced only with its rule, which has another name then.
        "aws:cloudwatch/eventTarget:EventTarget": Replacement.CREATE_FIRST,
        # A delivery has a source, of which a load balancer or distribution has one.
        "aws:cloudwatch/logDelivery:LogDelivery": Replacement.DELETE_FIRST,
        "aws:cloudwatch/logDeliveryDestination:LogDeliveryDestination": Replacement.DELETE_FIRST,
        "aws:cloudwatch/logDeliverySource:LogDeliverySource": Replacement.DELETE_FIRST,
        "aws:cloudwatch/logGroup:LogGroup": Replacement.BY_NAME,
        # One with the same name on another group is another filter.
        "aws:cloudwatch/logMetricFilter:LogMetricFilter": Replacement.CREATE_FIRST,
        "aws:cloudwatch/metricAlarm:MetricAlarm": Replacement.BY_NAME,
        # Clients move to the new scopes before the old ones are deleted.
        "aws:cognito/resourceServer:ResourceServer": Replacement.CREATE_FIRST,
        # Names needn't be unique.
        "aws:cognito/userPool:UserPool": Replacement.CREATE_FIRST,
        "aws:cognito/userPoolClient:UserPoolClient": Replacement.CREATE_FIRST,
        # A pool has one prefix domain and one custom domain, and a domain belongs to one pool.
        "aws:cognito/userPoolDomain:UserPoolDomain": Replacement.DELETE_FIRST,
        # One that a load balancer or a task uses can't be deleted. Names are unique in a VPC, and
        # nothing but another name or another VPC replaces it.
        "aws:ec2/securityGroup:SecurityGroup": Replacement.CREATE_FIRST,
        # A repository has one: deleting the old one last would delete the new one.
        "aws:ecr/lifecyclePolicy:LifecyclePolicy": Replacement.DELETE_FIRST,
        "aws:ecr/repository:Repository": Replacement.BY_NAME,
        "aws:ecs/cluster:Cluster": Replacement.BY_NAME,
        "aws:ecs/service:Service": Replacement.BY_NAME,
        # A second one of the same family is its next revision; the service moves to it.
        "aws:ecs/taskDefinition:TaskDefinition": Replacement.CREATE_FIRST,
        "aws:iam/role:Role": Replacement.BY_NAME,
        "aws:iam/rolePolicy:RolePolicy": Replacement.BY_NAME,
        # It is replaced only with its function, which has another name then.
        "aws:lambda/alias:Alias": Replacement.CREATE_FIRST,
        "aws:lambda/function:Function": Replacement.BY_NAME,
        # An alias has one.
        "aws:lambda/functionUrl:FunctionUrl": Replacement.DELETE_FIRST,
        # Deleting one does nothing: it stands for what the function has done.
        "aws:lambda/invocation:Invocation": Replacement.CREATE_FIRST,
        # Statement ids are unique in a function's policy.
        "aws:lambda/permission:Permission": Replacement.DELETE_FIRST,
        # It is replaced only with its load balancer.
        "aws:lb/listener:Listener": Replacement.CREATE_FIRST,
        # The service moves from the old target group, and with it from the old load balancer; the
        # name contains a hash of what would replace them.
        "aws:lb/loadBalancer:LoadBalancer": Replacement.CREATE_FIRST,
        "aws:lb/targetGroup:TargetGroup": Replacement.CREATE_FIRST,
        # It is replaced only with another name or in another zone.
        "aws:route53/record:Record": Replacement.CREATE_FIRST,
        "aws:secretsmanager/secret:Secret": Replacement.BY_NAME,
        # It is replaced only with its secret.
        "aws:secretsmanager/secretRotation:SecretRotation": Replacement.CREATE_FIRST,
        "aws:sns/topic:Topic": Replacement.BY_NAME,
        # A topic has one, and one that is deleted last would replace the new one.
        "aws:sns/topicPolicy:TopicPolicy": Replacement.DELETE_FIRST,
        # Another endpoint, protocol or topic is another subscription.
        "aws:sns/topicSubscription:TopicSubscription": Replacement.CREATE_FIRST,
        # They are replaced only with their security group.
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Replacement.CREATE_FIRST,
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Replacement.CREATE_FIRST,
        # One that a distribution uses can't be deleted.
        "aws:wafv2/webAcl:WebAcl": Replacement.BY_NAME,
        "docker:index/image:Image": Replacement.CREATE_FIRST,
        "random:index/randomString:RandomString": Replacement.CREATE_FIRST,
    }
)
"""The rule of every type of resource that the program declares, with its reason.

Types are Pulumi's tokens. Their classes would load most of pulumi-aws, which takes seconds.
"""


def delete_before_replace(kind: str) -> bool | None:
    """Return Pulumi's option of that name; None leaves the decision to the provider.

    Args:
        kind: the resource's type, as in ``aws:ecr/repository:Repository``.
    """
    option: bool | None = REPLACEMENTS[kind].value
    return option
