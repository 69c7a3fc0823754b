"""Decodes JSON from outside."""

import json
from collections.abc import Callable
from typing import Any


def from_json(text: str | bytes, **hooks: Callable[[str], Any]) -> Any:  # noqa: ANN401 - any JSON
    """Decode JSON.

    Raises:
        ValueError: it isn't JSON, or it is nested too deeply for Python.
    """
    try:
        return json.loads(text, **hooks)  # type: ignore[arg-type] # hooks of strings alone
    except RecursionError:
        # Without its cause, which would hold a thousand frames.
        raise ValueError("it is nested too deeply") from None
