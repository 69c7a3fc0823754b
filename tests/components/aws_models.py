"""AWS's own descriptions of its APIs, which botocore contains."""

import functools
import re
from typing import Any

from botocore.loaders import Loader


@functools.cache
def _shapes(service: str) -> dict[str, Any]:
    shapes: dict[str, Any] = Loader().load_service_model(service, "service-2")["shapes"]
    return shapes


def shape(service: str, name: str) -> dict[str, Any]:
    """Return a shape's type, limits, pattern and values."""
    found: dict[str, Any] = _shapes(service)[name]
    return found


def accepts(service: str, name: str, value: str) -> bool:
    """Return whether AWS accepts a text for a shape."""
    found = shape(service, name)
    length_is_legal = found.get("min", 0) <= len(value) <= found.get("max", len(value))
    # botocore writes Java's patterns; the whole text has to match.
    return length_is_legal and re.fullmatch(found.get("pattern", ".*"), value, re.ASCII) is not None
