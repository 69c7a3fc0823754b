"""What Lambda returns for an exception of a Python function. Pure.

Source: "Python Lambda function exceptions" in the AWS Lambda Developer Guide.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from localcloud.aws.lambda_.python_runtime import SEPARATOR

_UNNAMED: Final = "Runtime.HandlerError"
"""What ministack names every exception."""
_EVENT: Final = re.compile(r"\[ERROR\] (?P<type>\w+): ")


def with_exception(result: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    """Name the exception in an invocation's result, as the runtime has logged it.

    Args:
        result: ministack's.
        request_id: the invocation's.
    """
    body = result.get("body")
    event, *trace = str(result.get("log", "")).rpartition("\n")[2].split(SEPARATOR)
    raised = _EVENT.match(event)
    if not isinstance(body, Mapping) or body.get("errorType") != _UNNAMED or raised is None:
        return dict(result)
    error = {
        "errorMessage": body["errorMessage"],
        "errorType": raised["type"],
        "requestId": request_id,
        # Without the line "Traceback (most recent call last):". A frame is two lines.
        "stackTrace": [
            "\n".join(lines) + "\n" for lines in zip(trace[1::2], trace[2::2], strict=False)
        ],
    }
    return {**result, "body": error}
