"""Secrets Manager: secrets and their versions.

Sources: the AWS Secrets Manager API reference, and the schemas of aws_secretsmanager_secret and
aws_secretsmanager_secret_version for the changes that force a replacement.
"""

from dataclasses import replace
from typing import ClassVar

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.schema import (
    Kind,
    Properties,
    Property,
    ResourceRequest,
    UpdateRequest,
    unsupported,
)
from localcloud.providers.values import Values, as_strings


class Secret(AwsResource):
    """aws:secretsmanager/secret:Secret."""

    token = "aws:secretsmanager/secret:Secret"  # noqa: S105  # a Pulumi type
    service = "secretsmanager"
    autonamed = "name"
    creates = Operation(name="CreateSecret")
    reads = Operation(name="DescribeSecret")
    updates = Operation(name="UpdateSecret")
    deletes = Operation(name="DeleteSecret")
    id_members = ("ARN",)
    tagging = Tagging(resource="SecretId", list=None)
    handled = HANDLED | {"recoveryWindowInDays"}
    properties: ClassVar[Properties] = {
        "name": Property(required=True, force_new=True),
        "description": Property(),
        "forceOverwriteReplicaSecret": Property(kind=Kind.BOOLEAN, default=False, write_only=True),
        "kmsKeyId": Property(),
        "recoveryWindowInDays": Property(kind=Kind.INTEGER, default=30, write_only=True),
        "region": REGION,
        **TAGGED,
        "arn": Property(output=True, aws="ARN"),
        **unsupported("namePrefix", "policy", "replicas", "type"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the secret by its ARN."""
        return {"SecretId": request.id}

    def described(self, response: Document) -> Values:
        """Treat a secret that is scheduled for deletion as deleted."""
        if response.get("DeletedDate"):
            raise AwsError(self.reads.name, "ResourceNotFoundException", "marked for deletion")
        return super().described(response)

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change description and key; UpdateSecret keeps a description that it isn't given."""
        super().update(replace(request, inputs={"description": "", **request.inputs}))

    def delete_parameters(self, request: ResourceRequest[Aws]) -> Document:
        """Keep the secret for its recovery window, or delete it at once if that is 0."""
        days = request.state.get("recoveryWindowInDays", 30)
        how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        return super().delete_parameters(request) | how


class SecretVersion(AwsResource):
    """aws:secretsmanager/secretVersion:SecretVersion."""

    token = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105  # a Pulumi type
    service = "secretsmanager"
    creates = Operation(name="PutSecretValue")
    reads = Operation(name="GetSecretValue")
    deletes = Operation(name="UpdateSecretVersionStage")
    id_members = ("SecretId", "VersionId")
    not_found_codes = frozenset({"ResourceNotFoundException", "InvalidRequestException"})
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "secretId": Property(required=True, force_new=True, aws_read="ARN"),
        "secretString": Property(required=True, force_new=True, secret=True),
        "region": REGION,
        "arn": Property(output=True, aws="ARN"),
        "hasSecretStringWo": Property(kind=Kind.BOOLEAN, output=True),
        "secretArn": Property(output=True, aws="ARN"),
        "versionId": Property(output=True),
        "versionStages": Property(
            kind=Kind.SET, items=Property(), output=True, volatile=True, unsupported=True
        ),
        **unsupported("secretBinary", "secretStringWo", "secretStringWoVersion"),
    }

    def described(self, response: Document) -> Values:
        """Add that the value is in the state, encrypted."""
        return {**super().described(response), "hasSecretStringWo": False}

    def read(self, request: ResourceRequest[Aws]) -> Values | None:
        """Keep the secret's name if the program uses that, not the ARN."""
        found = super().read(request)
        secret = self.identity(request)["SecretId"]
        return None if found is None else {**found, "secretId": secret}

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Remove the version's stages, so that Secrets Manager can delete it.

        AWSCURRENT stays: a secret always has a current version, which is deleted with it.
        """
        identity = self.identity(request)
        for stage in as_strings(request.state.get("versionStages")):
            if stage == "AWSCURRENT":
                continue
            parameters = {
                "SecretId": identity["SecretId"],
                "RemoveFromVersionId": identity["VersionId"],
                "VersionStage": stage,
            }
            try:
                self.call(request, self.deletes, parameters)
            except AwsError as error:
                if error.code not in self.not_found_codes | {"InvalidParameterException"}:
                    raise
