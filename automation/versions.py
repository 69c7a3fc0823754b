"""The versions of the distributions that deploy and check a stack."""

from importlib.metadata import version
from typing import Final

_DISTRIBUTIONS: Final = ("pulumi", "pulumi-aws", "pulumi-docker", "pulumi-random", "boto3", "neo4j")


def distribution_versions() -> dict[str, str]:
    """Return the installed versions by name."""
    return {name: version(name) for name in _DISTRIBUTIONS}
