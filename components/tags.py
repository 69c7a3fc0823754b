"""The tags that every resource of a stack carries."""

from collections.abc import Mapping


def resource_tags(*, project: str, stack: str, configured: Mapping[str, str]) -> dict[str, str]:
    """Put the tags of a stack together.

    Args:
        project: the Pulumi project's name.
        stack: the stack's name.
        configured: the stack's own tags.

    Returns:
        The tags; their keys are `components.settings.RESERVED_TAGS` and the configured ones.
    """
    return {**configured, "Project": project, "Stack": stack, "ManagedBy": "pulumi"}
