"""The log of a Python function, as Lambda's runtime for Python writes it.

The stand-in adds this file to the program that runs a function's code, so it uses the standard
library only. Source: "Log and monitor Python Lambda functions" in the AWS Lambda Developer Guide,
and the bootstrap module of awslambdaric, the runtime itself.
"""

import logging
import sys
import time
import traceback

SEPARATOR = "\x1f"
"""Stands for a line break within an event, because each line of the output is an event."""


class RuntimeLog(logging.Handler):
    """Writes log records to standard error, each as one event with the request's id."""

    def __init__(self) -> None:
        """Start before the first request."""
        super().__init__()
        self._request_id = ""
        self._format = logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s",
            "%Y-%m-%dT%H:%M:%S",
        )
        self._format.converter = time.gmtime

    def install(self) -> None:
        """Handle the records of all loggers; the level of the root logger stays WARNING."""
        logging.getLogger().addHandler(self)

    def begin(self, request_id: str) -> None:
        """Begin an invocation."""
        self._request_id = request_id

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        record.aws_request_id = self._request_id
        sys.stderr.write(self._format.format(record).replace("\n", SEPARATOR) + "\n")
        sys.stderr.flush()

    @staticmethod
    def describe(error: BaseException) -> str:
        """Return the event that the runtime writes for an exception of the handler."""
        # The first frame is the runtime's.
        frames = traceback.extract_tb(error.__traceback__)[1:]
        lines = [
            f"[ERROR] {type(error).__name__}: {error}",
            "Traceback (most recent call last):",
            *"".join(traceback.format_list(frames)).splitlines(),
        ]
        return SEPARATOR.join(lines)
