"""StackContext: what every component of a stack shares, built once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi

from components.names import ResourceNames
from components.protection import Protection
from components.replacement import delete_before_replace
from components.settings import StackSettings
from components.tags import resource_tags


@dataclass(frozen=True, kw_only=True)
class StackContext:
    """What every component of a stack shares.

    Attributes:
        settings: the stack's configuration.
        names: the physical names of the stack's resources.
        tags: the tags of every resource.
        protection: what is protected and what is retained.
    """

    settings: StackSettings
    names: ResourceNames
    tags: Mapping[str, str]
    protection: Protection

    @classmethod
    def create(cls, settings: StackSettings, *, project: str, stack: str) -> "StackContext":
        """Build the context of a stack from its configuration."""
        return cls(
            settings=settings,
            names=ResourceNames(prefix=settings.name_prefix, stack=stack),
            tags=resource_tags(project=project, stack=stack, configured=settings.tags),
            protection=Protection.configured(settings),
        )

    def on_other_host(self) -> "StackContext":
        """Return the context of the host that callers don't use, while the stack moves.

        Deletion protection doesn't cover that host, because the move ends with its deletion.
        """
        return replace(self.unprotected(), settings=self.settings.on_other_host())

    def unprotected(self) -> "StackContext":
        """Return the context of what can be removed although the stack is protected."""
        return replace(self, protection=replace(self.protection, deletion=False))

    def options(
        self,
        resource: type[pulumi.CustomResource],
        *,
        parent: pulumi.ComponentResource,
        depends_on: Sequence[pulumi.Resource] = (),
        ignore_changes: Sequence[str] = (),
        replace_on_changes: Sequence[str] = (),
        retain_on_delete: bool | None = None,
    ) -> pulumi.ResourceOptions:
        """Return a resource's options, with the protection and replacement rule of its type."""
        kind = str(resource.pulumi_type)  # type: ignore[attr-defined]  # the SDK's decorator adds it
        return pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(depends_on),
            ignore_changes=list(ignore_changes),
            replace_on_changes=list(replace_on_changes),
            protect=self.protection.protects(kind),
            retain_on_delete=retain_on_delete,
            delete_before_replace=delete_before_replace(kind),
        )
