"""JSON that somebody else wrote."""

import json
from typing import Any


def from_json(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON
    """Decode JSON.

    Args:
        text: the JSON.

    Returns:
        The value.

    Raises:
        ValueError: it isn't JSON, or nested so deep that Python can't decode it.
    """
    try:
        return json.loads(text)
    except RecursionError:
        # Without a cause, which would hold a thousand frames.
        raise ValueError("it is nested too deep") from None
