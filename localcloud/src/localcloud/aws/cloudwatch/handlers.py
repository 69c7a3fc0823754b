"""What the handlers of operations have in common."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from localcloud.aws import paging
from localcloud.aws.protocol import ApiError

JsonObject = dict[str, Any]
Handler = Callable[[JsonObject], Awaitable[JsonObject]]
_Item = TypeVar("_Item")


def page(
    items: Sequence[_Item], parameters: Mapping[str, Any], *, size: int
) -> tuple[list[_Item], str | None]:
    """Return a page of a list as a request asks for it, and the token of the next one.

    Raises:
        ApiError: InvalidNextToken.
    """
    try:
        return paging.page(
            items, size=parameters.get("MaxRecords", size), token=parameters.get("NextToken")
        )
    except paging.InvalidTokenError as error:
        raise ApiError("InvalidNextToken", "The next token is not valid.") from error
