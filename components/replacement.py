"""Whether a replaced resource is deleted before or after its successor is created. Pure."""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker
import pulumi_random as random


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
REPLACEMENTS: Final[Mapping[type[pulumi.CustomResource], Replacement]] = MappingProxyType(
    {
        # It is replaced only with its cluster, which has another name then.
        aws.appautoscaling.Policy: Replacement.CREATE_FIRST,
        aws.appautoscaling.Target: Replacement.CREATE_FIRST,
        # A second configuration of the same name is its next revision, and the one that a service
        # uses can't be deleted.
        aws.apprunner.AutoScalingConfigurationVersion: Replacement.CREATE_FIRST,
        aws.apprunner.ObservabilityConfiguration: Replacement.CREATE_FIRST,
        # Names are unique in a region, and pulumi-aws generates none.
        aws.apprunner.Service: Replacement.DELETE_FIRST,
        # One that a service uses can't be deleted, so the name contains a hash of the content.
        aws.apprunner.VpcConnector: Replacement.CREATE_FIRST,
        # Nothing but a change from or to a staging distribution replaces it.
        aws.cloudfront.Distribution: Replacement.CREATE_FIRST,
        # One that a distribution uses can't be deleted.
        aws.cloudfront.Function: Replacement.BY_NAME,
        # One that a distribution uses can neither be changed nor deleted, so another load balancer
        # has another one.
        aws.cloudfront.VpcOrigin: Replacement.CREATE_FIRST,
        # They are replaced only with another name.
        aws.cloudwatch.CompositeAlarm: Replacement.CREATE_FIRST,
        aws.cloudwatch.Dashboard: Replacement.CREATE_FIRST,
        aws.cloudwatch.EventRule: Replacement.BY_NAME,
        # It is replaced only with its rule, which has another name then.
        aws.cloudwatch.EventTarget: Replacement.CREATE_FIRST,
        # A delivery has a source, of which a load balancer or distribution has one.
        aws.cloudwatch.LogDelivery: Replacement.DELETE_FIRST,
        aws.cloudwatch.LogDeliveryDestination: Replacement.DELETE_FIRST,
        aws.cloudwatch.LogDeliverySource: Replacement.DELETE_FIRST,
        aws.cloudwatch.LogGroup: Replacement.BY_NAME,
        # One with the same name on another group is another filter.
        aws.cloudwatch.LogMetricFilter: Replacement.CREATE_FIRST,
        aws.cloudwatch.MetricAlarm: Replacement.BY_NAME,
        # Clients move to the new scopes before the old ones are deleted.
        aws.cognito.ResourceServer: Replacement.CREATE_FIRST,
        # Names needn't be unique.
        aws.cognito.UserPool: Replacement.CREATE_FIRST,
        aws.cognito.UserPoolClient: Replacement.CREATE_FIRST,
        # A pool has one prefix domain and one custom domain, and a domain belongs to one pool.
        aws.cognito.UserPoolDomain: Replacement.DELETE_FIRST,
        # One that a load balancer or a task uses can't be deleted. Names are unique in a VPC, and
        # nothing but another name or another VPC replaces it.
        aws.ec2.SecurityGroup: Replacement.CREATE_FIRST,
        # A repository has one: deleting the old one last would delete the new one.
        aws.ecr.LifecyclePolicy: Replacement.DELETE_FIRST,
        aws.ecr.Repository: Replacement.BY_NAME,
        aws.ecs.Cluster: Replacement.BY_NAME,
        aws.ecs.Service: Replacement.BY_NAME,
        # A second one of the same family is its next revision; the service moves to it.
        aws.ecs.TaskDefinition: Replacement.CREATE_FIRST,
        aws.iam.Role: Replacement.BY_NAME,
        aws.iam.RolePolicy: Replacement.BY_NAME,
        # It is replaced only with its function, which has another name then.
        aws.lambda_.Alias: Replacement.CREATE_FIRST,
        aws.lambda_.Function: Replacement.BY_NAME,
        # An alias has one.
        aws.lambda_.FunctionUrl: Replacement.DELETE_FIRST,
        # Deleting one does nothing: it stands for what the function has done.
        aws.lambda_.Invocation: Replacement.CREATE_FIRST,
        # Statement ids are unique in a function's policy.
        aws.lambda_.Permission: Replacement.DELETE_FIRST,
        # It is replaced only with its load balancer.
        aws.lb.Listener: Replacement.CREATE_FIRST,
        # The service moves from the old target group, and with it from the old load balancer; the
        # name contains a hash of what would replace them.
        aws.lb.LoadBalancer: Replacement.CREATE_FIRST,
        aws.lb.TargetGroup: Replacement.CREATE_FIRST,
        # It is replaced only with another name or in another zone.
        aws.route53.Record: Replacement.CREATE_FIRST,
        aws.secretsmanager.Secret: Replacement.BY_NAME,
        # It is replaced only with its secret.
        aws.secretsmanager.SecretRotation: Replacement.CREATE_FIRST,
        aws.sns.Topic: Replacement.BY_NAME,
        # A topic has one, and one that is deleted last would replace the new one.
        aws.sns.TopicPolicy: Replacement.DELETE_FIRST,
        # Another endpoint, protocol or topic is another subscription.
        aws.sns.TopicSubscription: Replacement.CREATE_FIRST,
        # They are replaced only with their security group.
        aws.vpc.SecurityGroupEgressRule: Replacement.CREATE_FIRST,
        aws.vpc.SecurityGroupIngressRule: Replacement.CREATE_FIRST,
        # One that a distribution uses can't be deleted.
        aws.wafv2.WebAcl: Replacement.BY_NAME,
        docker.Image: Replacement.CREATE_FIRST,
        random.RandomString: Replacement.CREATE_FIRST,
    }
)
"""The rule of every type of resource that the program declares, with its reason."""


def delete_before_replace(resource: type[pulumi.CustomResource]) -> bool | None:
    """Return Pulumi's option of that name; None leaves the decision to the provider."""
    option: bool | None = REPLACEMENTS[resource].value
    return option
