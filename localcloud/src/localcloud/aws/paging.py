"""Pages of lists, with tokens that say where the next page begins. Pure."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

_Item = TypeVar("_Item")


class InvalidTokenError(Exception):
    """A token wasn't returned with an earlier page."""


def page(items: Sequence[_Item], *, size: int, token: str | None) -> tuple[list[_Item], str | None]:
    """Return a page of a list, and the token of the next one; None after the last.

    Args:
        items: the whole list.
        size: the number of items on a page.
        token: the token that came with the page before; None or empty for the first.

    Raises:
        InvalidTokenError: no page came with the token.
    """
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
    except (binascii.Error, ValueError) as error:
        raise InvalidTokenError from error
    if start < 0:
        raise InvalidTokenError
    end = start + size
    following = base64.b64encode(str(end).encode()).decode() if end < len(items) else None
    return list(items[start:end]), following
