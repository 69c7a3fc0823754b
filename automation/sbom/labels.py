"""Reads the labels that a Dockerfile sets. Pure."""

import shlex
from collections.abc import Mapping
from string import Template
from typing import Final

LICENSES: Final = "org.opencontainers.image.licenses"
"""The label with the license, as an SPDX expression."""

_INSTRUCTION: Final = "LABEL "


def read_labels(dockerfile: str, arguments: Mapping[str, str]) -> Mapping[str, str]:
    """Return the labels by name.

    Args:
        dockerfile: its text.
        arguments: Docker build arguments, which labels can refer to as ``${NAME}``.
    """
    lines = dockerfile.replace("\\\n", " ").splitlines()
    labels = (
        label.partition("=")
        for line in lines
        if line.startswith(_INSTRUCTION)
        for label in shlex.split(line.removeprefix(_INSTRUCTION))
    )
    return {name: Template(value).safe_substitute(arguments) for name, _, value in labels}
