"""Resources that services share, in revisions: auto scaling, observability, VPC connectors.

In the API reference, each name has a series of revisions. An ARN without a revision means the
newest one, and an ARN without an id means any of that revision.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from localcloud.aws.apprunner.models import ServiceConfiguration, new_resource_id, now
from localcloud.aws.apprunner.requests import JsonObject
from localcloud.aws.protocol import ApiError


@dataclass(frozen=True, kw_only=True)
class RevisionKind:
    """A kind of shared resource.

    Attributes:
        prefix: the prefix of its members in the API, such as AutoScalingConfiguration.
        arn_type: its name in ARNs.
        names_quota: how many names an account may have.
        revisions_quota: how many revisions a name may have.
        settings: extracts the resource's own members from a create request.
        problems: lists what prevents a new one from its name, settings and existing ones.
        arn_in: returns the ARN that a service's configuration refers to.
        usage_members: the members of its description that depend on other resources.
        list_member: the member of the list operation's response that holds the list.
        listed: the members in that list without their prefix; None for the whole description.
    """

    prefix: str
    arn_type: str
    names_quota: int
    revisions_quota: int
    settings: Callable[[JsonObject], JsonObject]
    problems: Callable[[str, JsonObject, Sequence["Revision"]], list[str]]
    arn_in: Callable[[ServiceConfiguration], str | None]
    usage_members: frozenset[str]
    list_member: str
    listed: frozenset[str] | None

    @property
    def arn_member(self) -> str:
        """The API's member for the ARN."""
        return f"{self.prefix}Arn"

    @property
    def name_member(self) -> str:
        """The API's member for the name."""
        return f"{self.prefix}Name"


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One revision of a shared resource.

    Attributes:
        number: counts the revisions of the name, from 1.
        settings: the resource's own members in the API.
    """

    kind: RevisionKind
    arn: str
    name: str
    number: int
    settings: Mapping[str, Any]
    created_at: dt.datetime = field(default_factory=now)
    deleted_at: dt.datetime | None = None
    tags: dict[str, str] = field(default_factory=dict)

    def description(self, usage: JsonObject) -> JsonObject:
        """Return the API's structure.

        Args:
            usage: members that depend on other resources; those of other kinds are left out.
        """
        return {
            self.kind.arn_member: self.arn,
            self.kind.name_member: self.name,
            f"{self.kind.prefix}Revision": self.number,
            "Status": "INACTIVE" if self.deleted_at else "ACTIVE",
            "CreatedAt": self.created_at,
            **self.settings,
            "DeletedAt": self.deleted_at,
            **{name: value for name, value in usage.items() if name in self.kind.usage_members},
        }

    def summary(self, usage: JsonObject) -> JsonObject:
        """Return the API's structure in a list.

        Args:
            usage: members that depend on other resources.
        """
        listed = self.kind.listed
        return {
            name: value
            for name, value in self.description(usage).items()
            if listed is None or name.removeprefix(self.kind.prefix) in listed
        }


class Revisions:
    """All revisions of one kind."""

    def __init__(self, kind: RevisionKind, arn_base: str) -> None:
        """Start without revisions.

        Args:
            kind: the kind.
            arn_base: the beginning of ARNs, such as arn:aws:apprunner:us-east-1:000000000000.
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
            resource_id: its id; a new one by default.

        Raises:
            ApiError: ServiceQuotaExceededException.
        """
        names = {revision.name for revision in self._revisions}
        if name not in names and len(names) >= self.kind.names_quota:
            raise ApiError(
                "ServiceQuotaExceededException",
                f"An account can have at most {self.kind.names_quota} names of {self.kind.prefix}.",
            )
        same_name = self._with_name(name)
        if len(same_name) >= self.kind.revisions_quota:
            raise ApiError(
                "ServiceQuotaExceededException",
                f"{self.kind.prefix} {name} has {len(same_name)} revisions, the maximum.",
            )
        number = max((revision.number for revision in same_name), default=0) + 1
        resource_id = resource_id or new_resource_id()
        revision = Revision(
            kind=self.kind,
            arn=f"{self._arn_base}:{self.kind.arn_type}/{name}/{number}/{resource_id}",
            name=name,
            number=number,
            settings=settings,
            tags=tags,
        )
        self._revisions.append(revision)
        return revision

    def find(self, arn: str) -> Revision:
        """Return the newest revision with an ARN, which may lack its id and its revision.

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

    def delete(self, revision: Revision) -> Revision:
        """Delete a revision, and return its record with the time of deletion."""
        self._revisions.remove(revision)
        return replace(revision, deleted_at=now())

    def is_latest(self, revision: Revision) -> bool:
        """Return whether a revision is the newest of its name."""
        return all(other.number <= revision.number for other in self._with_name(revision.name))

    def list(self, name: str | None = None, *, latest_only: bool = False) -> Sequence[Revision]:
        """List revisions, newest first.

        Args:
            name: only revisions of this name.
            latest_only: only the newest revision of each name.
        """
        chosen: Iterable[Revision] = self._revisions if name is None else self._with_name(name)
        return [
            revision
            for revision in reversed([*chosen])
            if not latest_only or self.is_latest(revision)
        ]

    def _with_name(self, name: str) -> Sequence[Revision]:
        return [revision for revision in self._revisions if revision.name == name]
