"""Pure decisions about versions and their staging labels.

Sources: the API reference of PutSecretValue, UpdateSecret and UpdateSecretVersionStage; "Secrets
Manager quotas" in the AWS Secrets Manager User Guide; and the responses that LocalStack's tests
recorded on AWS (tests/aws/services/secretsmanager/test_secretsmanager.snapshot.json).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from localcloud.aws.protocol import ApiError
from localcloud.aws.secretsmanager.models import (
    CURRENT,
    PENDING,
    PREVIOUS,
    Value,
    Version,
    Versions,
)

_MAX_STAGES: Final = 20
_VALUES: Final = ("SecretString", "SecretBinary")
_KEPT: Final = 100
_KEPT_SECONDS: Final = 24 * 60 * 60


def holder(versions: Versions, stage: str) -> str | None:
    """Return the id of the version that has a staging label."""
    return next((key for key, version in versions.items() if stage in version.stages), None)


def unfinished(versions: Versions) -> str | None:
    """Return the version of a rotation that is running or wasn't finished.

    That is the version with AWSPENDING, unless it is the current one.
    """
    pending = holder(versions, PENDING)
    return None if pending == holder(versions, CURRENT) else pending


def requested_value(parameters: Mapping[str, Any]) -> Value | None:
    """Return the value in a request.

    Raises:
        ApiError: InvalidParameterException: there are two.
    """
    found = {name: parameters[name] for name in _VALUES if name in parameters}
    if len(found) > 1:
        raise ApiError(
            "InvalidParameterException",
            "You can't specify both a SecretString and a SecretBinary value.",
        )
    return found or None


def with_value(
    versions: Versions,
    token: str,
    value: Value,
    stages: Iterable[str] = (CURRENT,),
    *,
    now: float,
    arn: str,
) -> Versions:
    """Add a version, or return the versions unchanged if it is there with the same value.

    Args:
        versions: the secret's versions.
        token: the request's ClientRequestToken, which becomes the version's id.
        value: the value.
        stages: the labels for the version.
        now: the time.
        arn: the secret's ARN.

    Raises:
        ApiError: ResourceExistsException (the version has another value) or
            LimitExceededException.
    """
    existing = versions.get(token)
    if existing is not None and existing.value is not None:
        if existing.value == value:
            return versions
        raise token_in_use(token, arn)
    has_value = any(version.value is not None for version in versions.values())
    added = Version(
        created=now if existing is None else existing.created,
        value=value,
        stages=frozenset() if existing is None else existing.stages,
    )
    changed: Versions = {**versions, token: added}
    # The first version becomes the current one, whatever the request's labels are.
    for stage in (*stages, *(() if has_value else (CURRENT,))):
        changed = with_stage(changed, stage, token)
    return _without_oldest(changed, now)


def token_in_use(token: str, arn: str) -> ApiError:
    """Return the error for a token that a version with another value has."""
    return ApiError(
        "ResourceExistsException",
        f"You can't use ClientRequestToken {token} because that value is already in use for a"
        f" version of secret {arn}.",
    )


def with_stage(versions: Versions, stage: str, version_id: str) -> Versions:
    """Move a staging label to a version; AWSPREVIOUS follows AWSCURRENT.

    Raises:
        ApiError: LimitExceededException: the secret has too many labels.
    """
    before = holder(versions, stage)
    if before == version_id:
        return versions
    moved = {**without_stage(versions, stage)}
    moved[version_id] = _labelled(moved[version_id], stage)
    if stage == CURRENT:
        moved = {**without_stage(moved, PREVIOUS)}
        if before is not None:
            moved[before] = _labelled(moved[before], PREVIOUS)
    if sum(len(version.stages) for version in moved.values()) > _MAX_STAGES:
        raise ApiError(
            "LimitExceededException",
            f"You can't attach more than {_MAX_STAGES} staging labels across all versions of a"
            " secret.",
        )
    return moved


def without_stage(versions: Versions, stage: str) -> Versions:
    """Remove a staging label from the version that has it."""
    return {
        key: replace(version, stages=version.stages - {stage}) for key, version in versions.items()
    }


def with_moved_stage(
    versions: Versions, stage: str, *, move_to: str | None, remove_from: str | None
) -> Versions:
    """Do what UpdateSecretVersionStage requests.

    Args:
        versions: the secret's versions.
        stage: the staging label.
        move_to: the version that gets it.
        remove_from: the version that has it.

    Raises:
        ApiError: the request doesn't describe the versions' state, or isn't allowed.
    """
    for version_id in (move_to, remove_from):
        if version_id is not None and version_id not in versions:
            raise ApiError(
                "ResourceNotFoundException",
                f"Secrets Manager can't find the specified secret version: {version_id}.",
            )
    before = holder(versions, stage)
    if move_to is None:
        return _with_removed_stage(versions, stage, before, remove_from)
    if before not in {None, move_to} and remove_from is None:
        raise ApiError(
            "InvalidParameterException",
            f"The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently"
            f" attached to version {before}, so you must explicitly reference that version in"
            " RemoveFromVersionId.",
        )
    if remove_from not in {None, before}:
        raise ApiError(
            "InvalidParameterException",
            f"When you move staging label {stage}, RemoveFromVersionId must be the version that"
            f" currently has it: {before}.",
        )
    if stage == CURRENT and versions[move_to].value is None:
        raise ApiError(
            "InvalidRequestException",
            f"You can't attach {CURRENT} to version {move_to}, which has no value.",
        )
    return with_stage(versions, stage, move_to)


def _with_removed_stage(
    versions: Versions, stage: str, before: str | None, remove_from: str | None
) -> Versions:
    if remove_from is None:
        raise ApiError(
            "InvalidParameterException",
            "You must provide a value for MoveToVersionId, RemoveFromVersionId or both.",
        )
    if stage == CURRENT:
        raise ApiError(
            "InvalidParameterException",
            f"You can only move staging label {CURRENT} to a different secret version. It can't be"
            " completely removed.",
        )
    if remove_from != before:
        raise ApiError(
            "InvalidParameterException",
            f"Staging label {stage} isn't attached to version {remove_from}.",
        )
    return without_stage(versions, stage)


def without_deprecated(versions: Versions) -> Versions:
    """Remove the versions without staging labels, as Secrets Manager does at a time it chooses."""
    return {key: version for key, version in versions.items() if version.stages}


def _without_oldest(versions: Versions, now: float) -> Versions:
    """Keep 100 versions, those of the last 24 hours, and those with staging labels."""
    surplus = len(versions) - _KEPT
    removable = [
        key
        for key, version in sorted(versions.items(), key=lambda item: item[1].created)
        if not version.stages and now - version.created > _KEPT_SECONDS
    ]
    removed = set(removable[: max(surplus, 0)])
    return {key: version for key, version in versions.items() if key not in removed}


def _labelled(version: Version, stage: str) -> Version:
    return replace(version, stages=version.stages | {stage})
