"""Restores the code of the stack's functions after somebody has changed it on Lambda.

Pulumi compares a function's code with what it last deployed, not with what Lambda runs, so neither
`pulumi up` nor `pulumi refresh` notices such a change.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from botocore.exceptions import ClientError

from automation.deployment import DeploymentError, Report, Step
from automation.hosting.host import Aws
from automation.waiting import Sleep, is_not_found, wait_while
from components.function_code import (
    canary_package,
    claims_package,
    code_sha256,
    log_package,
    rotation_package,
)
from components.names import ResourceNames

_FUNCTION: Final = "aws:lambda/function:Function"
_KEPT: Final = frozenset({"same", "update"})
_CODE: Final = "code"

Pack = Callable[[], bytes]


def function_packages(names: ResourceNames) -> Mapping[str, Pack]:
    """Return what packs the code of each function that a stack can have, by its name on AWS.

    The server's function is a host, whose package depends on the stack's settings.
    """
    return {
        names.claims_function: claims_package,
        names.rotation_function: rotation_package,
        names.canary_function: canary_package,
        names.log_function: log_package,
    }


def deployed_code(steps: Iterable[Step], names: ResourceNames) -> Iterator[tuple[str, Pack]]:
    """Return the functions that should already run this checkout's code, with what packs it.

    Args:
        steps: what a deployment would do. It uploads the code of the other functions itself.
    """
    packages = function_packages(names)
    for step in steps:
        name = str(step.inputs.get("name"))
        if step.type == _FUNCTION and name in packages and step.operation in _KEPT:
            changed = {each.partition(".")[0] for each in step.properties}
            if _CODE not in changed:
                yield name, packages[name]


def restore_code(
    functions: Iterable[tuple[str, Pack]],
    aws: Aws,
    report: Report,
    sleep: Sleep = time.sleep,
) -> tuple[str, ...]:
    """Upload the code of each function that runs other code, and return these functions' names.

    Args:
        functions: the functions' names, with what packs their code.
        report: called with a line for each function that is restored.

    Raises:
        DeploymentError: Lambda doesn't accept the code.
    """
    restored = []
    for function, pack in functions:
        packed = pack()
        deployed = _deployed(aws, function)
        if deployed is None:
            report(f"! There is no {function} any more. Run pulumi refresh, then this again")
        if deployed is None or deployed == code_sha256(packed):
            continue
        report(f"… Restoring the code of {function}, which was changed outside of the stack")
        aws("lambda", "update_function_code", FunctionName=function, ZipFile=packed)
        wait_while(partial(is_updating, aws, function), sleep)
        updated = aws("lambda", "get_function_configuration", FunctionName=function)
        if updated["LastUpdateStatus"] != "Successful":
            reason = updated.get("LastUpdateStatusReason") or updated["LastUpdateStatus"]
            raise DeploymentError(f"The code of {function} can't be restored: {reason}")
        restored.append(function)
    return tuple(restored)


def _deployed(aws: Aws, function: str) -> str | None:
    """Return the hash of a function's code; None if it was deleted."""
    try:
        found = aws("lambda", "get_function_configuration", FunctionName=function)
    except ClientError as error:
        if not is_not_found(error):
            raise
        return None
    return str(found["CodeSha256"])


def is_updating(aws: Aws, function: str) -> bool:
    """Return whether Lambda still applies the last change of a function."""
    found = aws("lambda", "get_function_configuration", FunctionName=function)
    return bool(found["LastUpdateStatus"] == "InProgress")
