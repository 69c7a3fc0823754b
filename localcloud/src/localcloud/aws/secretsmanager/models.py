"""Secrets, their versions, and where they are stored."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"
PREVIOUS: Final = "AWSPREVIOUS"

JsonObject = dict[str, Any]
Value = Mapping[str, str]
"""SecretString, or SecretBinary as base64."""

_SUFFIX: Final = len("-a1B2c3")


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of a secret.

    Attributes:
        created: when it was created, in seconds since the epoch.
        value: its value; None for a version that a rotation has begun and not filled.
        stages: its staging labels; without any, it is deprecated.
        accessed: the day of the last access.
    """

    created: float
    value: Value | None = field(default=None, repr=False)
    stages: frozenset[str] = frozenset()
    accessed: float | None = None


Versions = Mapping[str, Version]
"""The versions of a secret by their ids."""


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """How a secret is rotated.

    Attributes:
        function: the ARN of the rotation function.
        rules: RotationRules, as requested.
        enabled: whether rotations are scheduled; CancelRotateSecret keeps the rest.
        last: when the last rotation ended well, in seconds since the epoch.
        next: when the window of the next one closes.
        due: when the next one starts.
    """

    function: str
    rules: Mapping[str, Any]
    enabled: bool = True
    last: float | None = None
    next: float | None = None
    due: float | None = None


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A secret.

    Attributes:
        arn, name: its names.
        created, changed: times in seconds since the epoch.
        accessed: the day of the last access.
        deleted: when it will be deleted, if it is scheduled for that.
        description: its description.
        kms_key_id: the key of a caller's own that encrypts it.
        tags: its tags; None if it never had any.
        versions: its versions by their ids.
        rotation: how it is rotated; None if it never was.
        policy: its resource policy.
    """

    arn: str
    name: str
    created: float
    changed: float
    accessed: float | None = None
    deleted: float | None = None
    description: str | None = None
    kms_key_id: str | None = None
    tags: Mapping[str, str] | None = None
    versions: Versions = field(default_factory=dict)
    rotation: Rotation | None = None
    policy: str | None = None


class Secrets:
    """The secrets of one account in one region."""

    def __init__(self) -> None:
        """Start without secrets."""
        self._by_name: dict[str, Secret] = {}

    def __iter__(self) -> Iterator[Secret]:
        """Iterate over all secrets, by name."""
        return iter([self._by_name[name] for name in sorted(self._by_name)])

    def find(self, secret_id: str) -> Secret | None:
        """Find a secret by its name, its ARN, or its ARN without the random suffix."""
        found = self._by_name.get(secret_id)
        if found is not None:
            return found
        return next(
            (secret for secret in self if secret_id in {secret.arn, secret.arn[:-_SUFFIX]}),
            None,
        )

    def put(self, secret: Secret) -> None:
        """Store a secret, in place of an earlier state of it."""
        self._by_name[secret.name] = secret

    def remove(self, secret: Secret) -> None:
        """Forget a secret."""
        del self._by_name[secret.name]
