"""What ECS's operations do with any request: names, limits and pages."""

from collections.abc import Sequence

from localcloud.aws import paging
from localcloud.aws.ecs import supported
from localcloud.aws.ecs.models import JsonObject
from localcloud.aws.protocol import ApiError

MISSING = "MISSING"
"""The reason of a failure to describe what doesn't exist."""
# Source of these limits: the API reference of the list operations.
_PAGE = 100
_LARGEST_PAGE = 100


def name_of(reference: str) -> str:
    """Return the name of what a request refers to by its name or its ARN."""
    return reference.rpartition("/")[2]


def require_supported(request: JsonObject, members: supported.Supported) -> None:
    """Refuse a request with members that the stand-in doesn't support, by their names.

    Raises:
        ApiError: InvalidParameterException.
    """
    if problems := list(supported.unsupported(request, members)):
        raise invalid(" ".join(problems))


def check_number(request: JsonObject, member: str, most: int) -> None:
    """Refuse a request for more than an operation takes at a time.

    Raises:
        ApiError: InvalidParameterException.
    """
    if len(request.get(member) or ()) > most:
        raise invalid(f"{member} can have at most {most} items.")


def page(
    member: str, items: Sequence[object], request: JsonObject, *, default: int = _PAGE
) -> JsonObject:
    """Return the page of a list that a request asks for.

    Args:
        member: the list's name in the response.
        items: the whole list.
        request: the request.
        default: the size of a page if the request has none.

    Raises:
        ApiError: InvalidParameterException.
    """
    size = request.get("maxResults", default)
    if not 1 <= size <= _LARGEST_PAGE:
        raise invalid(f"maxResults must be from 1 to {_LARGEST_PAGE}.")
    try:
        found, token = paging.page(items, size=size, token=request.get("nextToken"))
    except paging.InvalidTokenError:
        raise invalid("Invalid token.") from None
    return {member: found, "nextToken": token}


def invalid(message: str) -> ApiError:
    """Return the error for an invalid request."""
    return ApiError("InvalidParameterException", message)
