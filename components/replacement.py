"""How a resource is replaced on a live stack: the old one deleted first or last. Pure."""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pulumi
import pulumi_aws as aws
import pulumi_docker as docker
import pulumi_random as random


class Replacement(enum.Enum):
    """What happens to the old resource; the value is Pulumi's ``delete_before_replace``."""

    DELETE_FIRST = True
    """Old and new can't exist together, even where their names differ."""
    CREATE_FIRST = False
    """Old and new exist together: what depends on them moves to the new one in between."""
    BY_NAME = None
    """pulumi-aws decides: it deletes first where the name stays, and last where it changes."""


# Source for BY_NAME: nameRequiresDeleteBeforeReplace in pulumi/pulumi-terraform-bridge, which
# covers types whose `name` Pulumi can generate. The names themselves are in components.names.
REPLACEMENTS: Final[Mapping[type[pulumi.CustomResource], Replacement]] = MappingProxyType(
    {
        # A second configuration of the same name is its next revision, and the one that a service
        # uses can't be deleted.
        aws.apprunner.AutoScalingConfigurationVersion: Replacement.CREATE_FIRST,
        aws.apprunner.ObservabilityConfiguration: Replacement.CREATE_FIRST,
        # Names are unique in a region, and pulumi-aws generates none.
        aws.apprunner.Service: Replacement.DELETE_FIRST,
        # One that a service uses can't be deleted, so the new one's name is made of its content.
        aws.apprunner.VpcConnector: Replacement.CREATE_FIRST,
        aws.cloudwatch.LogGroup: Replacement.BY_NAME,
        # Another identifier, or another pool: clients take the new scopes before the old ones go.
        aws.cognito.ResourceServer: Replacement.CREATE_FIRST,
        # Names needn't be unique.
        aws.cognito.UserPool: Replacement.CREATE_FIRST,
        aws.cognito.UserPoolClient: Replacement.CREATE_FIRST,
        # A pool has one prefix domain and one custom domain, and a domain belongs to one pool.
        aws.cognito.UserPoolDomain: Replacement.DELETE_FIRST,
        # A repository has one: created first, the new one would be deleted as the old one.
        aws.ecr.LifecyclePolicy: Replacement.DELETE_FIRST,
        aws.ecr.Repository: Replacement.BY_NAME,
        aws.iam.Role: Replacement.BY_NAME,
        aws.iam.RolePolicy: Replacement.BY_NAME,
        aws.lambda_.Function: Replacement.BY_NAME,
        # Statement ids are unique in a function's policy.
        aws.lambda_.Permission: Replacement.DELETE_FIRST,
        aws.secretsmanager.Secret: Replacement.BY_NAME,
        # The new version takes the label AWSCURRENT from the old one, so there is always a value.
        aws.secretsmanager.SecretVersion: Replacement.CREATE_FIRST,
        docker.Image: Replacement.CREATE_FIRST,
        random.RandomString: Replacement.CREATE_FIRST,
    }
)
"""What is done with every type of resource that the program declares, with the reason."""


def delete_before_replace(resource: type[pulumi.CustomResource]) -> bool | None:
    """Return Pulumi's option of that name for a type of resource.

    Args:
        resource: the resource's class.

    Returns:
        The option's value; None leaves the decision to the provider.
    """
    option: bool | None = REPLACEMENTS[resource].value
    return option
