"""Secrets Manager: secrets and their versions.

Sources: the AWS Secrets Manager API reference, and the schemas of aws_secretsmanager_secret and
aws_secretsmanager_secret_version for what forces a replacement.
"""

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
from localcloud.providers.schema import Kind, Properties, Property, Request, refused
from localcloud.providers.values import Values, strings, text


class Secret(AwsResource):
    """aws:secretsmanager/secret:Secret."""

    token = "aws:secretsmanager/secret:Secret"  # noqa: S105  # a Pulumi type
    service = "secretsmanager"
    autonamed = "name"
    creates = Operation(name="CreateSecret")
    reads = Operation(name="DescribeSecret")
    updates = Operation(name="UpdateSecret")
    deletes = Operation(name="DeleteSecret")
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
        **refused("namePrefix", "policy", "replicas", "type"),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the secret by its ARN."""
        del state
        return {"SecretId": resource_id}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the secret's ARN."""
        del inputs
        return text(result["ARN"])

    def described(self, answer: Document) -> Values:
        """Take a secret that waits for its deletion as gone."""
        if answer.get("DeletedDate"):
            raise AwsError(self.reads.name, "ResourceNotFoundException", "marked for deletion")
        return super().described(answer)

    def update(self, request: Request[Aws], resource_id: str, olds: Values, news: Values) -> None:
        """Change description and key; UpdateSecret leaves what it isn't given as it is."""
        super().update(request, resource_id, olds, {"description": "", **news})

    def deletion(self, state: Values) -> Document:
        """Keep the secret for its recovery window, or not at all where that is 0."""
        days = state.get("recoveryWindowInDays", 30)
        return {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}


class SecretVersion(AwsResource):
    """aws:secretsmanager/secretVersion:SecretVersion."""

    token = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105  # a Pulumi type
    service = "secretsmanager"
    creates = Operation(name="PutSecretValue")
    reads = Operation(name="GetSecretValue")
    deletes = Operation(name="UpdateSecretVersionStage")
    gone = frozenset({"ResourceNotFoundException", "InvalidRequestException"})
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
        **refused("secretBinary", "secretStringWo", "secretStringWoVersion"),
    }

    def identify(self, resource_id: str, state: Values) -> Document:
        """Name the secret and the version: secret|version."""
        del state
        secret, _, version = resource_id.partition("|")
        return {"SecretId": secret, "VersionId": version}

    def created_id(self, inputs: Values, result: Document) -> str:
        """The id is the secret's and the version's."""
        return f"{text(inputs['secretId'])}|{text(result['VersionId'])}"

    def described(self, answer: Document) -> Values:
        """Say that the value is kept in the state, encrypted."""
        return {**super().described(answer), "hasSecretStringWo": False}

    def more(
        self, request: Request[Aws], resource_id: str, state: Values, answer: Document
    ) -> Values:
        """Keep the secret's name where the program names it so, not by its ARN."""
        del request, state, answer
        return {"secretId": resource_id.partition("|")[0]}

    def delete(self, request: Request[Aws], resource_id: str, state: Values) -> None:
        """Take the version's stages away, which lets Secrets Manager forget it.

        AWSCURRENT stays: a secret always has a current version. It goes with the secret.
        """
        identity = self.identify(resource_id, state)
        for stage in strings(state.get("versionStages")):
            if stage == "AWSCURRENT":
                continue
            parameters = {
                "SecretId": identity["SecretId"],
                "RemoveFromVersionId": identity["VersionId"],
                "VersionStage": stage,
            }
            try:
                self.call(request, self.deletes, parameters, state)
            except AwsError as error:
                if error.code not in self.gone | {"InvalidParameterException"}:
                    raise
