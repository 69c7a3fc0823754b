"""Elastic Container Registry: repositories and their lifecycle policies.

Sources: the Amazon ECR API reference, and the schemas of aws_ecr_repository and
aws_ecr_lifecycle_policy for the changes that force a replacement.
"""

from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.shapes import Casing
from localcloud.providers.schema import (
    Kind,
    Properties,
    Property,
    ResourceRequest,
    UpdateRequest,
    unsupported,
)

_SCANNING: Final = {"scanOnPush": Property(kind=Kind.BOOLEAN, required=True)}
_ENCRYPTION: Final = {
    "encryptionType": Property(default="AES256"),
    "kmsKey": Property(computed=True),
}


class Repository(AwsResource):
    """aws:ecr/repository:Repository."""

    token = "aws:ecr/repository:Repository"  # noqa: S105  # a Pulumi type
    service = "ecr"
    casing = Casing.CAMEL
    autonamed = "name"
    not_found_codes = frozenset({"RepositoryNotFoundException"})
    creates = Operation(name="CreateRepository", result="repository")
    reads = Operation(name="DescribeRepositories", result="repositories")
    deletes = Operation(name="DeleteRepository")
    id_members = ("repositoryName",)
    tagging = Tagging(
        resource="resourceArn", tags="tags", keys="tagKeys", created_as="tags", listed_as="tags"
    )
    handled = HANDLED | {"forceDelete"}
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True, aws="repositoryName"),
        "encryptionConfigurations": Property(
            kind=Kind.LIST,
            items=Property(kind=Kind.OBJECT, properties=_ENCRYPTION),
            force_new=True,
            # ECR encrypts with its own key by default.
            computed=True,
            aws="encryptionConfiguration",
        ),
        "forceDelete": Property(kind=Kind.BOOLEAN, write_only=True),
        "imageScanningConfiguration": Property(
            kind=Kind.OBJECT, properties=_SCANNING, computed=True
        ),
        "imageTagMutability": Property(default="MUTABLE"),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="repositoryArn"),
        "registryId": Property(output=True),
        "repositoryUrl": Property(output=True, aws="repositoryUri"),
        **unsupported("imageTagMutabilityExclusionFilters"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the repository, alone or in a list."""
        return super().identity(request) | {"repositoryNames": [request.id]}

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change the settings that have their own operations."""
        for setting, operation in (
            ("imageTagMutability", "PutImageTagMutability"),
            ("imageScanningConfiguration", "PutImageScanningConfiguration"),
        ):
            value = request.inputs.get(setting)
            if value not in (None, request.state.get(setting)):
                parameters = {"repositoryName": request.id, setting: value}
                self.call(request, Operation(name=operation), parameters)
        self.update_tags(request)

    def delete_parameters(self, request: ResourceRequest[Aws]) -> Document:
        """Delete the images with the repository if the program says so."""
        force = request.state.get("forceDelete") is True
        return {**super().delete_parameters(request), "force": force}


class LifecyclePolicy(AwsResource):
    """aws:ecr/lifecyclePolicy:LifecyclePolicy."""

    token = "aws:ecr/lifecyclePolicy:LifecyclePolicy"  # noqa: S105  # a Pulumi type
    service = "ecr"
    casing = Casing.CAMEL
    not_found_codes = frozenset({"LifecyclePolicyNotFoundException", "RepositoryNotFoundException"})
    creates = Operation(name="PutLifecyclePolicy")
    reads = Operation(name="GetLifecyclePolicy")
    deletes = Operation(name="DeleteLifecyclePolicy")
    id_members = ("repositoryName",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "policy": Property(
            kind=Kind.JSON, required=True, force_new=True, aws="lifecyclePolicyText"
        ),
        "repository": Property(required=True, force_new=True, aws="repositoryName"),
        "region": REGION,
        "registryId": Property(output=True),
    }
