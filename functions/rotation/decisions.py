"""Decides what to do with a client's secrets, from what Secrets Manager and Cognito list.

A client has one secret in Secrets Manager, with a version per set of credentials, and up to two
client secrets in Cognito. Cognito doesn't show a client secret again after its creation, except for
the original one, so versions carry staging labels of this function's own:

* ``cognito:<ClientSecretId>`` names the client secret that the version's value holds;
* ``since:<time>`` says when the version's client secret became the current one. The overlap, in
  which the replaced client secret stays valid, starts then;
* ``PUBLISHING`` is on the version that a publication is about to make current.

Source: the API references of UpdateSecretVersionStage, AddUserPoolClientSecret,
ListUserPoolClientSecrets, DeleteUserPoolClientSecret and DescribeUserPoolClient.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from functions.rotation.credentials import RotationError

CURRENT: Final = "AWSCURRENT"
PENDING: Final = "AWSPENDING"
PREVIOUS: Final = "AWSPREVIOUS"
PUBLISHING: Final = "PUBLISHING"

MAX_CLIENT_SECRETS: Final = 2
"""How many client secrets an app client can have."""

STUCK_AFTER: Final = timedelta(days=1)
"""How long a version may stay incomplete.

Secrets Manager repeats a failed rotation "multiple times", and doesn't document for how long. The
window of a schedule in days ends with the UTC day ("Schedule expressions" and "Rotation by Lambda
function" in its User Guide), so after a whole day nothing completes it any more.
"""

_NAMED: Final = "cognito:"
_SINCE: Final = "since:"
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
# Cognito's dates have whole seconds, and the two services' clocks can differ a little.
_CLOCK_TOLERANCE: Final = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of the secret.

    Attributes:
        id: its id.
        stages: its staging labels.
        created: when it was created.
    """

    id: str
    stages: frozenset[str]
    created: datetime

    @property
    def client_secret_id(self) -> str | None:
        """The id at Cognito of this version's client secret; None if it has no such label."""
        return next(iter(self._labels(_NAMED)), None)

    @property
    def since(self) -> datetime | None:
        """When its client secret became the current one; None if it has no such label."""
        moments = (
            datetime.strptime(each, _TIME).replace(tzinfo=UTC) for each in self._labels(_SINCE)
        )
        return max(moments, default=None)

    @property
    def since_labels(self) -> frozenset[str]:
        """The labels that say since when."""
        return frozenset(each for each in self.stages if each.startswith(_SINCE))

    def _labels(self, prefix: str) -> list[str]:
        found = (each for each in self.stages if each.startswith(prefix))
        return sorted(each.removeprefix(prefix) for each in found)


@dataclass(frozen=True, kw_only=True)
class ClientSecret:
    """A client secret as Cognito lists it.

    Attributes:
        id: its id.
        created: when it was created.
    """

    id: str
    created: datetime

    def __str__(self) -> str:
        """Name it for a person."""
        return f"{self.id} of {_time(self.created)}"


@dataclass(frozen=True)
class Versions:
    """The labelled versions of one secret.

    Attributes:
        all: the versions.
    """

    all: tuple[Version, ...]

    def find(self, version_id: str) -> Version | None:
        """Return the version with an id."""
        return next((each for each in self.all if each.id == version_id), None)

    def staged(self, stage: str) -> Version | None:
        """Return the version with a staging label."""
        return next((each for each in self.all if stage in each.stages), None)

    @property
    def current_since(self) -> datetime | None:
        """When the current version's client secret became the current one.

        None if no label says so, or if a later one is on another version: then AWSCURRENT was moved
        by hand.
        """
        current = self.staged(CURRENT)
        since = current.since if current else None
        if since is None or any(each.since is not None and each.since > since for each in self.all):
            return None
        return since


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What Secrets Manager and Cognito hold for one client.

    Attributes:
        versions: the labelled versions of the secret.
        client_secrets: the client secrets of the app client.
        original_exists: whether the app client still has the client secret that it was created
            with, which is the only one that Cognito shows.
    """

    versions: Versions
    client_secrets: tuple[ClientSecret, ...]
    original_exists: bool

    @property
    def original(self) -> ClientSecret | None:
        """The client secret that the app client was created with: the oldest, without a label."""
        if not self.original_exists:
            return None
        oldest = min(self.client_secrets, key=lambda each: (each.created, each.id), default=None)
        # With a label it isn't the original, which was deleted between the two requests.
        return None if oldest is None or oldest.id in self._labelled else oldest

    @property
    def unlabelled(self) -> tuple[ClientSecret, ...]:
        """The client secrets that no version names, oldest first, without the original."""
        labels = {each.client_secret_id for each in self.versions.all}
        found = (
            each for each in self.client_secrets if each.id not in labels and each != self.original
        )
        return tuple(sorted(found, key=lambda each: (each.created, each.id)))

    def lacks_client_secret_of(self, version_id: str) -> bool:
        """Return whether Cognito didn't list the client secret that a version's label names.

        It was deleted by hand, or added after Cognito was asked.
        """
        version = self.versions.find(version_id)
        return (
            version is not None
            and version.client_secret_id is not None
            and self.client_secret_of(version) is None
        )

    @property
    def _labelled(self) -> set[str | None]:
        return {each.client_secret_id for each in self.versions.all}

    def client_secret_of(self, version: Version | None) -> ClientSecret | None:
        """Return the client secret that a version's label names, if Cognito has it."""
        if version is None:
            return None
        return next(
            (each for each in self.client_secrets if each.id == version.client_secret_id), None
        )


def client_secret_label(client_secret_id: str) -> str:
    """Return the staging label that names a client secret."""
    return f"{_NAMED}{client_secret_id}"


def since_label(moment: datetime) -> str:
    """Return the staging label that says since when a client secret is the current one."""
    return f"{_SINCE}{moment.astimezone(UTC):{_TIME}}"


def added_for(inventory: Inventory, version: Version) -> ClientSecret | None:
    """Find the client secret that an earlier run added for a version.

    Args:
        inventory: what there is.
        version: a version that has a value.

    Returns:
        The one that the version's label names; without a label, the newest one that no version
        names and that isn't older than the version, since the value is written first.

    Raises:
        RotationError: the label names one that Cognito no longer has.
    """
    if version.client_secret_id is not None:
        found = inventory.client_secret_of(version)
        if found is None:
            raise RotationError(
                f"client secret {version.client_secret_id}, which this rotation added, was deleted"
                " by hand. Start over with `python -m automation rotate --unstick`"
            )
        return found
    earliest = version.created.replace(microsecond=0) - _CLOCK_TOLERANCE
    candidates = [each for each in inventory.unlabelled if each.created >= earliest]
    return candidates[-1] if candidates else None


def require_room(inventory: Inventory) -> None:
    """Require that Cognito accepts another client secret.

    Raises:
        RotationError: the app client has two, which the message explains.
    """
    if len(inventory.client_secrets) < MAX_CLIENT_SECRETS:
        return
    own = inventory.client_secret_of(inventory.versions.staged(CURRENT))
    others = tuple(each for each in inventory.client_secrets if each != own)
    if own is None:
        raise RotationError(
            f"the app client has two client secrets ({_listed(others)}), and Cognito allows no"
            " third. At least one was added by hand: delete the one that no caller uses with `aws"
            " cognito-idp delete-user-pool-client-secret`, and try again"
        )
    if foreign := _foreign(inventory, own):
        raise RotationError(_added_by_hand(foreign))
    raise RotationError(
        f"the replaced client secret {_listed(others)} is still valid, and Cognito allows no third"
        " one. It is deleted within an hour after its overlap: rotate then, or revoke the client's"
        " secrets with `python -m automation revoke`"
    )


def overlap_ended(
    inventory: Inventory, *, overlap: timedelta, now: datetime
) -> tuple[ClientSecret, ...]:
    """Name the replaced client secrets whose overlap has ended.

    Args:
        inventory: what there is.
        overlap: how long a replaced client secret stays valid.
        now: the time.

    Returns:
        The client secrets to delete. None of a stack that this function hasn't published yet, and
        never one that a rotation under way has added.

    Raises:
        RotationError: one was added by hand, or the current one was deleted by hand.
    """
    current = inventory.versions.staged(CURRENT)
    if current is None or current.client_secret_id is None:
        return ()
    own = inventory.client_secret_of(current)
    if own is None:
        raise RotationError(
            f"the current client secret {current.client_secret_id} was deleted by hand: callers get"
            " no tokens. Make a new one with `python -m automation revoke`"
        )
    if foreign := _foreign(inventory, own):
        raise RotationError(_added_by_hand(foreign))
    since = inventory.versions.current_since or now
    if now - since < overlap:
        return ()
    keep = {own, *_under_way(inventory, current)}
    return tuple(each for each in inventory.client_secrets if each not in keep)


def require_none_stuck(versions: Versions, *, now: datetime) -> None:
    """Require that no rotation and no publication was left incomplete.

    Args:
        versions: the labelled versions of the secret.
        now: the time.

    Raises:
        RotationError: one began longer than `STUCK_AFTER` ago; the message has the command that
            completes it.
    """
    pending, publishing = versions.staged(PENDING), versions.staged(PUBLISHING)
    # Secrets Manager may leave AWSPENDING on the version that a rotation has made current.
    if pending is not None and pending != versions.staged(CURRENT) and _stuck(pending, now):
        raise RotationError(
            f"the rotation that began at {_time(pending.created)} isn't complete, and blocks every"
            " later one. Complete it with `python -m automation rotate --unstick`"
        )
    if publishing is not None and _stuck(publishing, now):
        raise RotationError(
            f"the deployment that wrote the secret at {_time(publishing.created)} was cut off."
            " Complete it with `python -m automation deploy`"
        )


def given_up_first(inventory: Inventory) -> ClientSecret | None:
    """Choose the client secret that a revocation deletes to make room for the new one.

    Returns:
        One that isn't the current one, as far as the labels show; None if there is room.
    """
    if len(inventory.client_secrets) < MAX_CLIENT_SECRETS:
        return None
    # Without a label, the current version most likely holds the original.
    own = inventory.client_secret_of(inventory.versions.staged(CURRENT)) or inventory.original
    others = [each for each in inventory.client_secrets if each != own]
    return min(others, key=lambda each: (each.created, each.id))


def outdated_labels(inventory: Inventory) -> tuple[tuple[Version, str], ...]:
    """Name the labels that keep versions alive for no reason.

    A version without labels is removed by Secrets Manager, which keeps about a hundred.

    Returns:
        Each label with the version that has it: of client secrets that Cognito no longer has, and
        all times except the latest one of the current version.
    """
    existing = {each.id for each in inventory.client_secrets}
    in_use = {CURRENT, PENDING, PUBLISHING}
    found: list[tuple[Version, str]] = []
    for version in inventory.versions.all:
        latest = version.since if CURRENT in version.stages else None
        keep = None if latest is None else since_label(latest)
        found.extend((version, each) for each in sorted(version.since_labels - {keep}))
        named = version.client_secret_id
        if not version.stages & in_use and named is not None and named not in existing:
            found.append((version, client_secret_label(named)))
    return tuple(found)


def _under_way(inventory: Inventory, current: Version) -> Iterable[ClientSecret]:
    for stage in (PENDING, PUBLISHING):
        version = inventory.versions.staged(stage)
        if version is None or version == current:
            continue
        if version.client_secret_id is None:
            added = added_for(inventory, version)
        else:
            added = inventory.client_secret_of(version)
        if added is not None:
            yield added


def _foreign(inventory: Inventory, own: ClientSecret) -> tuple[ClientSecret, ...]:
    """Name the client secrets that were added by hand: those newer than the current one.

    An older one without a label is what a publication has replaced.
    """
    current = inventory.versions.staged(CURRENT)
    under_way = set() if current is None else set(_under_way(inventory, current))
    return tuple(
        each
        for each in inventory.unlabelled
        if each.created > own.created and each not in under_way
    )


def _stuck(version: Version, now: datetime) -> bool:
    return now - version.created >= STUCK_AFTER


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _added_by_hand(foreign: Iterable[ClientSecret]) -> str:
    return (
        f"client secret {_listed(foreign)} was added by hand. Delete it with `aws cognito-idp"
        " delete-user-pool-client-secret`, or revoke the client's secrets with `python -m"
        " automation revoke`"
    )


def _listed(client_secrets: Iterable[ClientSecret]) -> str:
    return ", ".join(str(each) for each in client_secrets)
