"""Secrets Manager: secrets, their versions and their rotation.

Sources: the AWS Secrets Manager API reference, and the schemas of aws_secretsmanager_secret,
_secret_version and _secret_rotation for the changes that force a replacement.
"""

import uuid
from dataclasses import replace
from typing import ClassVar, Final

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.aws.resource import (
    HANDLED,
    REGION,
    TAGGED,
    AwsRequest,
    AwsResource,
    Operation,
    Tagging,
)
from localcloud.providers.aws.waiting import poll_until_done, retry_while_refused
from localcloud.providers.schema import (
    Created,
    CreateRequest,
    Kind,
    Properties,
    Property,
    ResourceRequest,
    UpdateRequest,
    unsupported,
)
from localcloud.providers.values import Values, as_strings

# Source: propagationTimeout in hashicorp/terraform-provider-aws, internal/service/secretsmanager.
_PROPAGATION_SECONDS: Final = 120.0


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
        _require_not_deleted(response)
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
        """Remove the version's stages, and wait until Secrets Manager can delete the version.

        AWSCURRENT stays: a secret always has a current version, which is deleted with it. A label
        that the state doesn't know makes the deletion fail, as with the real provider.
        Source: resourceSecretVersionDelete in hashicorp/terraform-provider-aws.
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
                if _is_gone(error):
                    return
                raise
        poll_until_done(
            request,
            lambda: self._released(request, identity),
            what=f"the secret's version {identity['VersionId']} to lose its staging labels",
            limit=_PROPAGATION_SECONDS,
        )

    def _released(self, request: ResourceRequest[Aws], identity: Document) -> bool | None:
        try:
            stages = self.call(request, self.reads, identity).get("VersionStages", [])
        except AwsError as error:
            if _is_gone(error):
                return True
            raise
        return True if stages in ([], ["AWSCURRENT"], ["AWSPREVIOUS"]) else None


class SecretRotation(AwsResource):
    """aws:secretsmanager/secretRotation:SecretRotation."""

    token = "aws:secretsmanager/secretRotation:SecretRotation"  # noqa: S105  # a Pulumi type
    service = "secretsmanager"
    creates = Operation(name="RotateSecret")
    reads = Operation(name="DescribeSecret")
    updates = Operation(name="RotateSecret")
    deletes = Operation(name="CancelRotateSecret")
    id_members = ("ARN",)
    handled = HANDLED
    properties: ClassVar[Properties] = {
        "secretId": Property(required=True, force_new=True, aws_read="ARN"),
        "rotateImmediately": Property(kind=Kind.BOOLEAN, default=True, write_only=True),
        "rotationLambdaArn": Property(aws="RotationLambdaARN"),
        "rotationRules": Property(
            kind=Kind.OBJECT,
            # The real provider does without only to switch off a rotation that AWS manages.
            required=True,
            properties={
                "automaticallyAfterDays": Property(kind=Kind.INTEGER, required=True),
                **unsupported("duration", "scheduleExpression"),
            },
        ),
        "region": REGION,
        "rotationEnabled": Property(kind=Kind.BOOLEAN, output=True, unsupported=True),
        **unsupported("externalSecretRotationMetadatas", "externalSecretRotationRoleArn"),
    }

    def identity(self, request: ResourceRequest[Aws]) -> Document:
        """Name the secret by its ARN."""
        return {"SecretId": request.id}

    def create(self, request: CreateRequest[Aws]) -> Created:
        """Set up the rotation; `rotateImmediately` decides whether Secrets Manager rotates now."""
        return Created(id=self._rotate(request, request.inputs)["ARN"])

    def described(self, response: Document) -> Values:
        """Leave out the settings of a rotation that is off, which Secrets Manager keeps."""
        _require_not_deleted(response)
        values = super().described(response)
        values["rotationEnabled"] = response.get("RotationEnabled", False)
        if not values["rotationEnabled"]:
            values.pop("rotationLambdaArn", None)
            values.pop("rotationRules", None)
        return values

    def update(self, request: UpdateRequest[Aws]) -> None:
        """Change the function or the rules; a change of `rotateImmediately` alone does nothing."""
        if any(
            request.state.get(name) != request.inputs.get(name)
            for name in ("rotationLambdaArn", "rotationRules")
        ):
            self._rotate(request, request.inputs)

    def delete(self, request: ResourceRequest[Aws]) -> None:
        """Switch the rotation off; like the real provider, fail if the secret no longer exists."""
        self.call(request, self.deletes, self.delete_parameters(request))

    def _rotate(self, request: AwsRequest, inputs: Values) -> Document:
        """Call RotateSecret until Secrets Manager may invoke the function, for two minutes.

        A rotation that isn't complete is refused with one of these codes too.
        """
        parameters = self._parameters(request, self.creates, inputs)
        parameters["ClientRequestToken"] = str(uuid.uuid4())
        return retry_while_refused(
            request,
            lambda: self.call(request, self.creates, parameters),
            is_transient=lambda error: (
                error.code in ("AccessDeniedException", "InvalidRequestException")
            ),
            limit=_PROPAGATION_SECONDS,
        )


def _is_gone(error: AwsError) -> bool:
    """Return whether there is no such secret or version, or the secret is marked for deletion."""
    deleted = ("because it was deleted", "because it was marked for deletion")
    return error.code == "ResourceNotFoundException" or (
        error.code == "InvalidRequestException" and any(each in str(error) for each in deleted)
    )


def _require_not_deleted(secret: Document) -> None:
    if secret.get("DeletedDate"):
        raise AwsError("DescribeSecret", "ResourceNotFoundException", "marked for deletion")
