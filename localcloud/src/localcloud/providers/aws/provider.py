"""The aws provider: its resource types and functions."""

from pathlib import Path
from typing import Final

from localcloud.providers.aws import (
    apprunner,
    autoscaling,
    cloudfront,
    cloudwatch,
    cognito,
    ec2,
    ecr,
    ecs,
    elbv2,
    events,
    iam,
    lambda_,
    log_deliveries,
    logs,
    metric_filters,
    route53,
    secretsmanager,
    sns,
    wafv2,
)
from localcloud.providers.aws.clients import CONFIGURATION, Aws
from localcloud.providers.aws.invokes import INVOKES
from localcloud.providers.schema import ResourceType
from localcloud.providers.servicer import Provider

RESOURCES: Final[tuple[ResourceType[Aws], ...]] = (
    apprunner.AutoScalingConfigurationVersion(),
    apprunner.ObservabilityConfiguration(),
    apprunner.Service(),
    apprunner.VpcConnector(),
    autoscaling.Policy(),
    autoscaling.Target(),
    cloudfront.Distribution(),
    cloudfront.Function(),
    cloudfront.VpcOrigin(),
    cloudwatch.CompositeAlarm(),
    cloudwatch.Dashboard(),
    cloudwatch.MetricAlarm(),
    cognito.ResourceServer(),
    cognito.UserPool(),
    cognito.UserPoolClient(),
    cognito.UserPoolDomain(),
    ec2.SecurityGroup(),
    ec2.SecurityGroupEgressRule(),
    ec2.SecurityGroupIngressRule(),
    ecr.LifecyclePolicy(),
    ecr.Repository(),
    ecs.Cluster(),
    ecs.Service(),
    ecs.TaskDefinition(),
    elbv2.Listener(),
    elbv2.LoadBalancer(),
    elbv2.TargetGroup(),
    events.EventRule(),
    events.EventTarget(),
    iam.Role(),
    iam.RolePolicy(),
    lambda_.Alias(),
    lambda_.Function(),
    lambda_.FunctionUrl(),
    lambda_.Invocation(),
    lambda_.Permission(),
    log_deliveries.LogDelivery(),
    log_deliveries.LogDeliveryDestination(),
    log_deliveries.LogDeliverySource(),
    logs.LogGroup(),
    metric_filters.LogMetricFilter(),
    route53.Record(),
    secretsmanager.Secret(),
    secretsmanager.SecretRotation(),
    secretsmanager.SecretVersion(),
    sns.Topic(),
    sns.TopicPolicy(),
    sns.TopicSubscription(),
    wafv2.WebAcl(),
)


def provider(project_directory: Path) -> Provider[Aws]:
    """Make the aws provider.

    Args:
        project_directory: the base of relative paths of archives.
    """
    return Provider(
        name="aws",
        version="7.51.1",
        configuration=CONFIGURATION,
        configure=lambda values: Aws.configure(values, project_directory),
        resources={resource.token: resource for resource in RESOURCES},
        invokes=INVOKES,
    )
