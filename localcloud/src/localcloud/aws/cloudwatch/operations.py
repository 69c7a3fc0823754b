"""CloudWatch's API: finds the handler of an operation."""

from collections.abc import Mapping, Sequence

from localcloud.aws.cloudwatch.errors import unsupported
from localcloud.aws.cloudwatch.handlers import Handler, JsonObject


class CloudWatch:
    """The CloudWatch of one account in one region."""

    def __init__(self, parts: Sequence[Mapping[str, Handler]]) -> None:
        """Serve the handlers of several parts."""
        self._handlers = {name: handler for part in parts for name, handler in part.items()}

    async def call(self, operation: str, parameters: JsonObject) -> JsonObject:
        """Execute an operation with a validated request.

        Raises:
            ApiError: the operation fails.
        """
        handler = self._handlers.get(operation)
        if handler is None:
            raise unsupported(operation)
        return await handler(parameters)
