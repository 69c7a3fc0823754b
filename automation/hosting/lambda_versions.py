"""The versions of the server's Lambda function, and the alias that leads callers to one of them."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import ClientError

from automation.hosting.host import Aws, RedeploymentError
from automation.waiting import Sleep, is_not_found, wait_while
from components.hosting.lambda_.definition import ALIAS

SETTLING_SECONDS: Final = 5.0
"""Lambda may send requests to the earlier version for a moment after an alias has moved."""
_MARK: Final = " (published again)"


def if_found(aws: Aws, operation: str, name: str, **parameters: str) -> Mapping[str, Any]:
    """Return what Lambda knows of a function; nothing if that doesn't exist."""
    try:
        return aws("lambda", operation, FunctionName=name, **parameters)
    except ClientError as error:
        if is_not_found(error):
            return {}
        raise


def live_version(aws: Aws, name: str) -> str:
    """Return the version that callers reach; empty if none has ever started."""
    return str(if_found(aws, "get_alias", name, Name=ALIAS).get("FunctionVersion", ""))


def has_ended(found: Mapping[str, Any]) -> bool:
    """Return whether the last change of a function has ended."""
    return not (found["State"] == "Pending" or found["LastUpdateStatus"] == "InProgress")


@contextmanager
def published_again(aws: Aws, name: str, sleep: Sleep = time.sleep) -> Iterator[str]:
    """Lead callers to a new version with the same code and settings, and back at the end.

    The new version has no environments yet. Lambda publishes only what has changed, so the
    function's description is another one meanwhile.

    Yields:
        The new version.

    Raises:
        RedeploymentError: callers don't reach what was deployed last.
    """
    live, latest = live_version(aws, name), _described(aws, name)
    if not live or _content(_described(aws, name, Qualifier=live)) != _content(latest):
        raise RedeploymentError("the function has a later version than callers reach")
    description = latest.get("Description", "")
    try:
        _describe_as(aws, name, description + _MARK, sleep)
        again = str(aws("lambda", "publish_version", FunctionName=name)["Version"])
        try:
            _lead_to(aws, name, again)
            yield again
        finally:
            _lead_to(aws, name, live)
            sleep(SETTLING_SECONDS)
            aws("lambda", "delete_function", FunctionName=name, Qualifier=again)
    finally:
        _describe_as(aws, name, description, sleep)


def _described(aws: Aws, name: str, **qualifier: str) -> Mapping[str, Any]:
    return aws("lambda", "get_function_configuration", FunctionName=name, **qualifier)


def _content(found: Mapping[str, Any]) -> tuple[object, object]:
    return found["CodeSha256"], found.get("Environment")


def _lead_to(aws: Aws, name: str, version: str) -> None:
    aws("lambda", "update_alias", FunctionName=name, Name=ALIAS, FunctionVersion=version)


def _describe_as(aws: Aws, name: str, description: str, sleep: Sleep) -> None:
    aws(
        "lambda",
        "update_function_configuration",
        FunctionName=name,
        Description=description,
    )
    if not wait_while(lambda: not has_ended(_described(aws, name)), sleep):
        raise RedeploymentError(f"Lambda doesn't finish a change of {name}")
