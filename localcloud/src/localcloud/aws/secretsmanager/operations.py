"""Secrets Manager's API: one handler per operation, from its validated request to its response."""

import datetime as dt
import re
import secrets as random
import string
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from localcloud.aws import paging
from localcloud.aws.context import ServiceContext
from localcloud.aws.functions import Source
from localcloud.aws.protocol import ApiError, without_nulls
from localcloud.aws.secretsmanager import schedule, versions
from localcloud.aws.secretsmanager.models import (
    CURRENT,
    JsonObject,
    Rotation,
    Secret,
    Secrets,
    Version,
)
from localcloud.aws.secretsmanager.rotation import PRINCIPAL, Invoker, Rotations, scheduled

_DAY: Final = 24 * 60 * 60
_SHORTEST_RECOVERY: Final = 7
_LONGEST_RECOVERY: Final = 30
_PAGE: Final = 100
_MAX_TAGS: Final = 50
_NAME: Final = re.compile(r"[A-Za-z0-9/_+=.@!-]+")
_SUFFIX: Final = string.ascii_letters + string.digits
_DEFAULT_KEY: Final = "DefaultEncryptionKey"
_UNSUPPORTED: Final = (
    "AddReplicaRegions",
    "ExternalSecretRotationMetadata",
    "ExternalSecretRotationRoleArn",
    "Type",
)
_FILTERS: Final[Mapping[str, Callable[[Secret], Iterable[str]]]] = {
    "name": lambda secret: [secret.name],
    "description": lambda secret: [secret.description or ""],
    "tag-key": lambda secret: (secret.tags or {}).keys(),
    "tag-value": lambda secret: (secret.tags or {}).values(),
}

_Handler = Callable[[JsonObject], Awaitable[JsonObject]]


class SecretsManager:
    """The Secrets Manager of one account in one region."""

    def __init__(
        self,
        secrets: Secrets,
        rotations: Rotations,
        functions: Invoker,
        context: ServiceContext,
    ) -> None:
        """Serve secrets.

        Args:
            secrets: the secrets.
            rotations: runs their rotations.
            functions: checks the policies of rotation functions.
            context: where and when the service runs.
        """
        self._secrets = secrets
        self._rotations = rotations
        self._functions = functions
        self._context = context
        self._clock = context.clock
        self._handlers: Mapping[str, _Handler] = {
            "CancelRotateSecret": self._cancel_rotate_secret,
            "CreateSecret": self._create_secret,
            "BatchGetSecretValue": self._batch_get_secret_value,
            "DeleteResourcePolicy": self._delete_resource_policy,
            "DeleteSecret": self._delete_secret,
            "DescribeSecret": self._describe_secret,
            "GetResourcePolicy": self._get_resource_policy,
            "GetSecretValue": self._get_secret_value,
            "ListSecretVersionIds": self._list_secret_version_ids,
            "ListSecrets": self._list_secrets,
            "PutResourcePolicy": self._put_resource_policy,
            "PutSecretValue": self._put_secret_value,
            "RestoreSecret": self._restore_secret,
            "RotateSecret": self._rotate_secret,
            "TagResource": self._tag_resource,
            "UntagResource": self._untag_resource,
            "UpdateSecret": self._update_secret,
            "UpdateSecretVersionStage": self._update_secret_version_stage,
        }

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request.

        Raises:
            ApiError: the operation fails.
        """
        handler = self._handlers.get(operation)
        if handler is None:
            raise ApiError("InvalidRequestException", f"The stand-in doesn't support {operation}.")
        for name in _UNSUPPORTED:
            if name in parameters:
                raise ApiError("InvalidParameterException", f"The stand-in doesn't support {name}.")
        return await handler(parameters)

    async def make_rotation_due(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Open the next rotation window of a secret now; an operation of the stand-in's own."""
        secret = self._active(parameters)
        if secret.rotation is None or not secret.rotation.enabled:
            raise ApiError("InvalidRequestException", f"{secret.name} isn't rotated.")
        rotation = replace(secret.rotation, due=self._clock())
        self._secrets.put(replace(secret, rotation=rotation))
        return _names(secret)

    async def remove_deprecated_versions(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Remove a secret's versions without staging labels; one of the stand-in's own."""
        secret = self._found(parameters)
        kept = versions.without_deprecated(secret.versions)
        self._secrets.put(replace(secret, versions=kept))
        return {**_names(secret), "Removed": sorted(secret.versions.keys() - kept.keys())}

    async def _create_secret(self, parameters: JsonObject) -> JsonObject:
        name = parameters["Name"]
        if not _NAME.fullmatch(name):
            raise ApiError(
                "ValidationException",
                "Invalid name. Must be a valid name containing alphanumeric characters, or any of"
                " the following: -/_+=.@!",
            )
        value = versions.requested_value(parameters)
        token = _token(parameters)
        existing = self._secrets.find(name)
        if existing is not None:
            return _created_before(existing, token, value)
        now = self._clock()
        suffix = "".join(random.choice(_SUFFIX) for _ in range(6))
        secret = Secret(
            arn=self._arn(f"{name}-{suffix}"),
            name=name,
            created=now,
            changed=now,
            description=parameters.get("Description"),
            kms_key_id=parameters.get("KmsKeyId"),
            tags=_with_tags(None, parameters["Tags"]) if "Tags" in parameters else None,
        )
        if value is None:
            self._secrets.put(secret)
            return _names(secret)
        added = versions.with_value(secret.versions, token, value, now=now, arn=secret.arn)
        self._secrets.put(replace(secret, versions=added))
        return {**_names(secret), "VersionId": token}

    async def _put_secret_value(self, parameters: JsonObject) -> JsonObject:
        token = _token(parameters)
        value = versions.requested_value(parameters)
        if value is None:
            raise ApiError(
                "InvalidParameterException",
                "You must provide either SecretString or SecretBinary.",
            )
        secret = self._active(parameters)
        changed = versions.with_value(
            secret.versions,
            token,
            value,
            parameters.get("VersionStages", [CURRENT]),
            now=self._clock(),
            arn=secret.arn,
        )
        self._store_value(secret, changed)
        stages = sorted(changed[token].stages)
        return {**_names(secret), "VersionId": token, "VersionStages": stages}

    async def _update_secret(self, parameters: JsonObject) -> JsonObject:
        value = versions.requested_value(parameters)
        token = _token(parameters) if value is not None else None
        secret = self._active(parameters)
        secret = replace(
            secret,
            description=parameters.get("Description", secret.description),
            kms_key_id=parameters.get("KmsKeyId", secret.kms_key_id),
            changed=self._clock(),
        )
        if value is None or token is None:
            self._secrets.put(secret)
            return _names(secret)
        if token in secret.versions:
            raise versions.token_in_use(token, secret.arn)
        changed = versions.with_value(
            secret.versions, token, value, now=self._clock(), arn=secret.arn
        )
        self._store_value(secret, changed)
        return {**_names(secret), "VersionId": token}

    def _store_value(self, secret: Secret, changed: Mapping[str, Version]) -> None:
        """Store changed versions; a new current value counts as a rotation.

        Source: the API reference of RotationRulesType, AutomaticallyAfterDays.
        """
        if changed is secret.versions:
            return
        before, after = (versions.holder(each, CURRENT) for each in (secret.versions, changed))
        rotation, now = secret.rotation, self._clock()
        if rotation is not None and rotation.enabled and before != after:
            rotation = scheduled(rotation, now)
        self._secrets.put(replace(secret, versions=changed, rotation=rotation, changed=now))

    async def _get_secret_value(self, parameters: JsonObject) -> JsonObject:
        secret = self._active(parameters)
        version_id, version = _requested_version(secret, parameters)
        today = self._today()
        if (secret.accessed, version.accessed) != (today, today):
            seen = {**secret.versions, version_id: replace(version, accessed=today)}
            self._secrets.put(replace(secret, accessed=today, versions=seen))
        return without_nulls(
            {
                **_names(secret),
                **(version.value or {}),
                "VersionId": version_id,
                "VersionStages": sorted(version.stages) or None,
                "CreatedDate": version.created,
            }
        )

    async def _batch_get_secret_value(self, parameters: JsonObject) -> JsonObject:
        if "Filters" in parameters or "SecretIdList" not in parameters:
            raise ApiError(
                "InvalidParameterException",
                "The stand-in's BatchGetSecretValue needs SecretIdList, and supports no Filters.",
            )
        values, errors = [], []
        for secret_id in parameters["SecretIdList"]:
            try:
                values.append(await self._get_secret_value({"SecretId": secret_id}))
            except ApiError as error:
                errors.append(
                    {"SecretId": secret_id, "ErrorCode": error.code, "Message": error.message}
                )
        return {"SecretValues": values, "Errors": errors}

    async def _describe_secret(self, parameters: JsonObject) -> JsonObject:
        secret = self._found(parameters)
        return {**_described(secret), "VersionIdsToStages": _stages(secret)}

    async def _list_secrets(self, parameters: JsonObject) -> JsonObject:
        found = [
            secret
            for secret in self._secrets
            if (secret.deleted is None or parameters.get("IncludePlannedDeletion"))
            and all(_passes(secret, condition) for condition in parameters.get("Filters", []))
        ]
        if parameters.get("SortOrder") == "desc":
            found.reverse()
        page, token = _page(found, parameters)
        listed = [
            without_nulls({**_described(each), "SecretVersionsToStages": _stages(each)})
            for each in page
        ]
        return {"SecretList": listed, "NextToken": token}

    async def _list_secret_version_ids(self, parameters: JsonObject) -> JsonObject:
        secret = self._found(parameters)
        found = [
            without_nulls(
                {
                    "VersionId": key,
                    "VersionStages": sorted(version.stages) or None,
                    "CreatedDate": version.created,
                    "LastAccessedDate": version.accessed,
                    "KmsKeyIds": [secret.kms_key_id or _DEFAULT_KEY],
                }
            )
            for key, version in secret.versions.items()
            if version.stages or parameters.get("IncludeDeprecated")
        ]
        page, token = _page(found, parameters)
        return {**_names(secret), "Versions": page, "NextToken": token}

    async def _update_secret_version_stage(self, parameters: JsonObject) -> JsonObject:
        secret = self._active(parameters)
        changed = versions.with_moved_stage(
            secret.versions,
            parameters["VersionStage"],
            move_to=parameters.get("MoveToVersionId"),
            remove_from=parameters.get("RemoveFromVersionId"),
        )
        self._secrets.put(replace(secret, versions=changed, changed=self._clock()))
        return _names(secret)

    async def _delete_secret(self, parameters: JsonObject) -> JsonObject:
        days = parameters.get("RecoveryWindowInDays")
        force = parameters.get("ForceDeleteWithoutRecovery", False)
        if force and days is not None:
            raise ApiError(
                "InvalidParameterException",
                "You can't use ForceDeleteWithoutRecovery in conjunction with"
                " RecoveryWindowInDays.",
            )
        days = _LONGEST_RECOVERY if days is None else days
        if not _SHORTEST_RECOVERY <= days <= _LONGEST_RECOVERY:
            raise ApiError(
                "InvalidParameterException",
                "RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            )
        now = self._clock()
        if force:
            return self._delete_now(parameters["SecretId"], now)
        secret = self._found(parameters)
        if secret.deleted is not None:
            raise ApiError(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was already scheduled"
                " for deletion.",
            )
        deleted = replace(secret, deleted=now + days * _DAY)
        self._secrets.put(deleted)
        return {**_names(secret), "DeletionDate": deleted.deleted}

    def _delete_now(self, secret_id: str, now: float) -> JsonObject:
        """Delete a secret at once; for one that doesn't exist, AWS reports success as well."""
        secret = self._secrets.find(secret_id)
        if secret is None:
            arn = secret_id if secret_id.startswith("arn:") else self._arn(secret_id)
            return {"ARN": arn, "Name": arn.rpartition(":")[2], "DeletionDate": now}
        self._secrets.remove(secret)
        return {**_names(secret), "DeletionDate": now}

    async def _restore_secret(self, parameters: JsonObject) -> JsonObject:
        secret = self._found(parameters)
        if secret.deleted is None:
            raise ApiError("InvalidRequestException", "Secret is not scheduled for deletion.")
        self._secrets.put(replace(secret, deleted=None))
        return _names(secret)

    async def _rotate_secret(self, parameters: JsonObject) -> JsonObject:
        token = _token(parameters)
        before = self._active(parameters)
        now, stored = self._clock(), before.rotation
        function = parameters.get("RotationLambdaARN") or (stored.function if stored else "")
        if not function:
            raise ApiError(
                "InvalidRequestException",
                "No Lambda rotation function ARN is associated with this secret.",
            )
        rules = parameters.get("RotationRules") or (stored.rules if stored else {})
        schedule.require_valid(rules)
        source = Source(service=PRINCIPAL, arn=before.arn)
        if not await self._functions.lets(function, source):
            raise ApiError(
                "AccessDeniedException",
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the"
                f" function policy grants access to the principal {PRINCIPAL}.",
            )
        # Nothing below waits, so no other request can change the secret meanwhile.
        secret = self._active({"SecretId": before.arn})
        answer = {**_names(secret), "VersionId": token}
        if self._rotations.running(secret.arn) == token:
            return answer
        _require_rotatable(secret, token)
        if self._rotations.running(secret.arn) is not None:
            raise _unfinished_rotation()
        rotation = Rotation(function=function, rules=rules, last=stored.last if stored else None)
        rotation = scheduled(rotation, now)
        self._secrets.put(replace(secret, rotation=rotation, changed=now))
        if parameters.get("RotateImmediately", True):
            self._rotations.start(secret.arn, token)
            return answer
        self._rotations.test(secret.arn)
        return _names(secret)

    async def _cancel_rotate_secret(self, parameters: JsonObject) -> JsonObject:
        secret = self._active(parameters)
        pending = versions.unfinished(secret.versions)
        if secret.rotation is not None:
            rotation = replace(secret.rotation, enabled=False, next=None, due=None)
            self._secrets.put(replace(secret, rotation=rotation, changed=self._clock()))
        return {**_names(secret), "VersionId": pending}

    async def _tag_resource(self, parameters: JsonObject) -> JsonObject:
        secret = self._active(parameters)
        tags = _with_tags(secret.tags, parameters["Tags"])
        self._secrets.put(replace(secret, tags=tags))
        return {}

    async def _untag_resource(self, parameters: JsonObject) -> JsonObject:
        secret = self._active(parameters)
        removed = set(parameters["TagKeys"])
        tags = {key: value for key, value in (secret.tags or {}).items() if key not in removed}
        self._secrets.put(replace(secret, tags=tags))
        return {}

    async def _get_resource_policy(self, parameters: JsonObject) -> JsonObject:
        secret = self._found(parameters)
        return {**_names(secret), "ResourcePolicy": secret.policy}

    async def _put_resource_policy(self, parameters: JsonObject) -> JsonObject:
        secret = self._active(parameters)
        self._secrets.put(replace(secret, policy=parameters["ResourcePolicy"]))
        return _names(secret)

    async def _delete_resource_policy(self, parameters: JsonObject) -> JsonObject:
        secret = self._active(parameters)
        self._secrets.put(replace(secret, policy=None))
        return _names(secret)

    def _found(self, parameters: Mapping[str, Any]) -> Secret:
        secret = self._secrets.find(parameters["SecretId"])
        if secret is None:
            raise ApiError(
                "ResourceNotFoundException", "Secrets Manager can't find the specified secret."
            )
        return secret

    def _active(self, parameters: Mapping[str, Any]) -> Secret:
        secret = self._found(parameters)
        if secret.deleted is not None:
            raise ApiError(
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for"
                " deletion.",
            )
        return secret

    def _arn(self, name: str) -> str:
        return self._context.arn("secretsmanager", f"secret:{name}")

    def _today(self) -> float:
        now = dt.datetime.fromtimestamp(self._clock(), dt.UTC)
        return now.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _names(secret: Secret) -> JsonObject:
    return {"ARN": secret.arn, "Name": secret.name}


def _token(parameters: Mapping[str, Any]) -> str:
    """Return the request's token; AWS's SDKs and CLI generate one."""
    token = parameters.get("ClientRequestToken")
    if token is None:
        raise ApiError(
            "InvalidRequestException",
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        )
    return str(token)


def _created_before(existing: Secret, token: str, value: Mapping[str, str] | None) -> JsonObject:
    """Repeat the response of a request that created a secret, or refuse another one."""
    if existing.deleted is not None:
        raise ApiError(
            "InvalidRequestException",
            "You can't create this secret because a secret with this name is already scheduled for"
            " deletion.",
        )
    version = existing.versions.get(token)
    if value is not None and version is not None and version.value == value:
        return {**_names(existing), "VersionId": token}
    raise ApiError(
        "ResourceExistsException",
        f"The operation failed because the secret {existing.name} already exists.",
    )


def _requested_version(secret: Secret, parameters: Mapping[str, Any]) -> tuple[str, Version]:
    version_id, stage = parameters.get("VersionId"), parameters.get("VersionStage")
    if version_id is None:
        stage = stage or CURRENT
        version_id = versions.holder(secret.versions, stage)
        what = f"staging label: {stage}"
    else:
        what = f"VersionId: {version_id}"
    version = secret.versions.get(version_id or "")
    if version is None or version_id is None or version.value is None:
        raise ApiError(
            "ResourceNotFoundException",
            f"Secrets Manager can't find the specified secret value for {what}",
        )
    if stage is not None and stage not in version.stages:
        raise ApiError(
            "InvalidRequestException",
            "You provided a VersionStage that is not associated to the provided VersionId.",
        )
    return version_id, version


def _require_rotatable(secret: Secret, token: str) -> None:
    if versions.unfinished(secret.versions) is not None:
        raise _unfinished_rotation()
    if token in secret.versions:
        raise ApiError(
            "InvalidParameterException",
            f"You can't use ClientRequestToken {token} because that value is already in use for a"
            f" version of secret {secret.arn}.",
        )


def _unfinished_rotation() -> ApiError:
    return ApiError(
        "InvalidRequestException",
        "A previous rotation isn't complete. That rotation will be reattempted.",
    )


def _described(secret: Secret) -> JsonObject:
    rotation = secret.rotation
    tags = secret.tags
    return without_nulls(
        {
            **_names(secret),
            "CreatedDate": secret.created,
            "LastChangedDate": secret.changed,
            "LastAccessedDate": secret.accessed,
            "DeletedDate": secret.deleted,
            "Description": secret.description or None,
            "KmsKeyId": secret.kms_key_id,
            "Tags": None if tags is None else [{"Key": key, "Value": tags[key]} for key in tags],
            **({} if rotation is None else _described_rotation(rotation)),
        }
    )


def _described_rotation(rotation: Rotation) -> JsonObject:
    return {
        "RotationEnabled": rotation.enabled,
        "RotationLambdaARN": rotation.function,
        "RotationRules": dict(rotation.rules),
        "LastRotatedDate": rotation.last if rotation.enabled else None,
        "NextRotationDate": rotation.next,
    }


def _stages(secret: Secret) -> JsonObject | None:
    """Return the staging labels of each version that has any; None without versions."""
    return {
        key: sorted(version.stages) for key, version in secret.versions.items() if version.stages
    } or None


def _with_tags(
    tags: Mapping[str, str] | None, added: Iterable[Mapping[str, str]]
) -> Mapping[str, str]:
    changed = {**(tags or {}), **{tag["Key"]: tag.get("Value", "") for tag in added}}
    if len(changed) > _MAX_TAGS:
        raise ApiError("InvalidParameterException", f"A secret has at most {_MAX_TAGS} tags.")
    return changed


def _passes(secret: Secret, condition: Mapping[str, Any]) -> bool:
    """Apply a filter of ListSecrets: a prefix, or what must not be one after `!`."""
    members = _FILTERS.get(condition.get("Key", ""))
    if members is None:
        raise ApiError(
            "InvalidParameterException",
            f"The stand-in's ListSecrets filters by {', '.join(_FILTERS)} only.",
        )
    found = list(members(secret))
    return any(
        not any(member.startswith(value[1:]) for member in found)
        if value.startswith("!")
        else any(member.startswith(value) for member in found)
        for value in condition.get("Values", [])
    )


def _page(items: list[Any], parameters: Mapping[str, Any]) -> tuple[list[Any], str | None]:
    """Return a page of a list, and the token of the next one."""
    size = parameters.get("MaxResults", _PAGE)
    try:
        return paging.page(items, size=size, token=parameters.get("NextToken"))
    except paging.InvalidTokenError:
        raise ApiError("InvalidNextTokenException", "NextToken isn't valid.") from None
