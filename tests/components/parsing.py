"""Parses configurations as the program does."""

import json
from collections.abc import Mapping
from typing import Any

from components.configuration import parse_settings
from components.settings import StackSettings
from tests.components.mocks import PROJECT


def parse(
    values: Mapping[str, Any], stack: str = "dev", region: str | None = None
) -> StackSettings:
    """Return the settings of a configuration, given as a stack's file has it."""
    as_passed = {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()
    }
    return parse_settings(as_passed, project=PROJECT, stack=stack, region=region)
