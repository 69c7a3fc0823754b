"""Resources that services share: auto scaling, observability and VPC connectors, in revisions.

The API reference gives each name a series of revisions; an ARN without a revision means the
newest, and one without an id any of that revision.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from localcloud.aws.apprunner.model import JsonObject, new_resource_id, now
from localcloud.aws.protocol import ApiError

DEFAULT_AUTO_SCALING = "DefaultConfiguration"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of shared resource.

    Attributes:
        prefix: its members' prefix in the API, such as AutoScalingConfiguration.
        arn_type: its name in ARNs.
        names_quota: how many names an account may have.
        revisions_quota: how many revisions a name may have.
    """

    prefix: str
    arn_type: str
    names_quota: int
    revisions_quota: int


# The quotas are those of the developer guide's page on App Runner resource quotas.
AUTO_SCALING = Kind(
    prefix="AutoScalingConfiguration",
    arn_type="autoscalingconfiguration",
    names_quota=10,
    revisions_quota=5,
)
OBSERVABILITY = Kind(
    prefix="ObservabilityConfiguration",
    arn_type="observabilityconfiguration",
    names_quota=10,
    revisions_quota=10,
)
VPC_CONNECTOR = Kind(
    prefix="VpcConnector", arn_type="vpcconnector", names_quota=10, revisions_quota=1
)


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One revision of a shared resource.

    Attributes:
        kind: what it is.
        arn: its full ARN.
        name: its name.
        number: the revision's number.
        settings: its own members in the API.
        created_at: when it was created.
        deleted_at: when it was deleted.
        tags: its tags.
    """

    kind: Kind
    arn: str
    name: str
    number: int
    settings: Mapping[str, Any]
    created_at: dt.datetime = field(default_factory=now)
    deleted_at: dt.datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def summary(self) -> JsonObject:
        """Write what every listing has.

        Returns:
            ARN, name, revision, status and creation.
        """
        return {
            f"{self.kind.prefix}Arn": self.arn,
            f"{self.kind.prefix}Name": self.name,
            f"{self.kind.prefix}Revision": self.number,
            "Status": "INACTIVE" if self.deleted_at else "ACTIVE",
            "CreatedAt": self.created_at,
        }

    def description(self) -> JsonObject:
        """Write the whole resource.

        Returns:
            The API's structure, but for members that say how it is used.
        """
        return {**self.summary(), **self.settings, "DeletedAt": self.deleted_at}


class Revisions:
    """All revisions of one kind."""

    def __init__(self, kind: Kind, arn_base: str) -> None:
        """Begin with none.

        Args:
            kind: the kind.
            arn_base: the ARNs' beginning, such as arn:aws:apprunner:us-east-1:000000000000.
        """
        self.kind = kind
        self._arn_base = arn_base
        self._revisions: list[Revision] = []

    def create(
        self,
        name: str,
        settings: Mapping[str, Any],
        tags: dict[str, str],
        resource_id: str | None = None,
    ) -> Revision:
        """Add a revision to a name.

        Args:
            name: the name.
            settings: the resource's own members.
            tags: its tags.
            resource_id: its id; made where None.

        Returns:
            The new revision.

        Raises:
            ApiError: ServiceQuotaExceededException.
        """
        names = {revision.name for revision in self._revisions}
        if name not in names and len(names) >= self.kind.names_quota:
            raise ApiError(
                "ServiceQuotaExceededException",
                f"An account has at most {self.kind.names_quota} names of {self.kind.prefix}.",
            )
        same_name = self._named(name)
        if len(same_name) >= self.kind.revisions_quota:
            raise ApiError(
                "ServiceQuotaExceededException",
                f"{self.kind.prefix} {name} has {len(same_name)} revisions, the most it may have.",
            )
        number = max((revision.number for revision in same_name), default=0) + 1
        revision = Revision(
            kind=self.kind,
            arn=f"{self._arn_base}:{self.kind.arn_type}/{name}/{number}/"
            f"{resource_id or new_resource_id()}",
            name=name,
            number=number,
            settings=settings,
            tags=tags,
        )
        self._revisions.append(revision)
        return revision

    def find(self, arn: str) -> Revision:
        """Find a revision by its ARN, whole or without id or revision.

        Args:
            arn: the ARN.

        Returns:
            The revision; the newest where the ARN has none.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        matching = [
            revision
            for revision in self._revisions
            if revision.arn == arn or revision.arn.startswith(f"{arn}/")
        ]
        if not matching:
            raise ApiError("ResourceNotFoundException", f"{self.kind.prefix} {arn} does not exist.")
        return max(matching, key=lambda revision: revision.number)

    def delete(self, arn: str) -> Revision:
        """Delete a revision.

        Args:
            arn: its ARN.

        Returns:
            The deleted revision.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        revision = self.find(arn)
        self._revisions.remove(revision)
        return replace(revision, deleted_at=now())

    def is_latest(self, revision: Revision) -> bool:
        """Tell whether a revision is its name's newest.

        Args:
            revision: the revision.

        Returns:
            True where no newer one exists.
        """
        return all(other.number <= revision.number for other in self._named(revision.name))

    def listed(self, name: str | None, *, latest_only: bool) -> list[Revision]:
        """List revisions, newest first.

        Args:
            name: this name's only; all names where None.
            latest_only: each name's newest only.

        Returns:
            The revisions.
        """
        chosen: Iterable[Revision] = self._revisions if name is None else self._named(name)
        return [
            revision
            for revision in reversed(list(chosen))
            if not latest_only or self.is_latest(revision)
        ]

    def _named(self, name: str) -> list[Revision]:
        return [revision for revision in self._revisions if revision.name == name]
