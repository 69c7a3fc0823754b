"""Elastic Container Registry: repositories and their lifecycle policies.

Sources: the Amazon ECR API reference, and the schemas of aws_ecr_repository and
aws_ecr_lifecycle_policy for what forces a replacement.
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
from localcloud.providers.schema import Kind, Properties, Property, Request, refused
from localcloud.providers.values import Values, text

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
    gone = frozenset({"RepositoryNotFoundException"})
    creates = Operation(name="CreateRepository", result="repository")
    reads = Operation(name="DescribeRepositories", result="repositories")
    deletes = Operation(name="DeleteRepository")
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
            # ECR encrypts with its own key where the program says nothing.
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
        **refused("imageTagMutabilityExclusionFilters"),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the repository, alone or as one of a list."""
        del state
        return {"repositoryName": resource_id, "repositoryNames": [resource_id]}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the repository's name."""
        del result
        return text(inputs["name"])

    def update(self, request: Request[Aws], resource_id: str, olds: Values, news: Values) -> None:
        """Set what has an operation of its own."""
        name = {"repositoryName": resource_id}
        for member, operation in (
            ("imageTagMutability", "PutImageTagMutability"),
            ("imageScanningConfiguration", "PutImageScanningConfiguration"),
        ):
            if news.get(member) not in (None, olds.get(member)):
                parameters = {**name, member: news[member]}
                self.call(request, Operation(name=operation), parameters, news)
        self.retag(request, olds, news)

    def deletion(self, state: Values) -> Document:
        """Delete the images with the repository where the program says so."""
        return {"force": state.get("forceDelete") is True}


class LifecyclePolicy(AwsResource):
    """aws:ecr/lifecyclePolicy:LifecyclePolicy."""

    token = "aws:ecr/lifecyclePolicy:LifecyclePolicy"  # noqa: S105  # a Pulumi type
    service = "ecr"
    casing = Casing.CAMEL
    gone = frozenset({"LifecyclePolicyNotFoundException", "RepositoryNotFoundException"})
    creates = Operation(name="PutLifecyclePolicy")
    reads = Operation(name="GetLifecyclePolicy")
    deletes = Operation(name="DeleteLifecyclePolicy")
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "policy": Property(
            kind=Kind.JSON, required=True, force_new=True, aws="lifecyclePolicyText"
        ),
        "repository": Property(required=True, force_new=True, aws="repositoryName"),
        "region": REGION,
        "registryId": Property(output=True),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the repository."""
        del state
        return {"repositoryName": resource_id}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the repository's name."""
        del result
        return text(inputs["repository"])
