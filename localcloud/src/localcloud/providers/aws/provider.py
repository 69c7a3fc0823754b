"""The aws provider: its resource types and functions."""

from pathlib import Path
from typing import Final

from localcloud.providers.aws import (
    apprunner,
    cloudfront,
    cognito,
    ecr,
    events,
    iam,
    lambda_,
    logs,
    secretsmanager,
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
    cloudfront.Distribution(),
    cloudfront.Function(),
    cognito.ResourceServer(),
    cognito.UserPool(),
    cognito.UserPoolClient(),
    cognito.UserPoolDomain(),
    ecr.LifecyclePolicy(),
    ecr.Repository(),
    events.EventRule(),
    events.EventTarget(),
    iam.Role(),
    iam.RolePolicy(),
    lambda_.Function(),
    lambda_.FunctionUrl(),
    lambda_.Invocation(),
    lambda_.Permission(),
    logs.LogGroup(),
    secretsmanager.Secret(),
    secretsmanager.SecretRotation(),
    secretsmanager.SecretVersion(),
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
