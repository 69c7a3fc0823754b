"""The tags of every resource of a stack."""

from collections.abc import Mapping


def resource_tags(*, project: str, stack: str, configured: Mapping[str, str]) -> dict[str, str]:
    """Add the program's own tags, `components.settings.RESERVED_TAGS`, to the configured ones."""
    return {**configured, "Project": project, "Stack": stack, "ManagedBy": "pulumi"}
