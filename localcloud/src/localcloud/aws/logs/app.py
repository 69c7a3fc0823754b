"""CloudWatch Logs' API: metric filters, keys and pages; ministack answers the rest."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from localcloud.aws import asgi
from localcloud.aws.logs.encryption import Keys
from localcloud.aws.logs.event_pages import EventPage, PageTokenError
from localcloud.aws.logs.matching import Pattern, PatternError
from localcloud.aws.logs.metric_filter import (
    MetricFilter,
    TransformationError,
    transformation,
)
from localcloud.aws.logs.metric_filters import MetricFilters
from localcloud.aws.logs.patterns import parse_pattern
from localcloud.aws.logs.store import LogStore
from localcloud.aws.protocol import (
    CONTENT_TYPE_1_1,
    ApiError,
    ServiceProtocol,
    encode,
    encode_error,
    without_nulls,
)

TARGET_PREFIX: Final = "Logs_20140328"
_HANDLED: Final = frozenset(
    {
        "AssociateKmsKey",
        "CreateLogGroup",
        "DisassociateKmsKey",
        "DeleteLogGroup",
        "DeleteMetricFilter",
        "FilterLogEvents",
        "PutMetricFilter",
        "TestMetricFilter",
    }
)
# Source: PutMetricFilter's API reference.
_MOST_FILTERS: Final = 100
_MOST_REGEX_FILTERS: Final = 5
_UNSUPPORTED: Final = frozenset(
    {"applyOnTransformedLogs", "emitSystemFieldDimensions", "fieldSelectionCriteria"}
)


class LogsApp:
    """Serves CloudWatch Logs' API, with ministack as the store of groups, events and filters."""

    def __init__(
        self, ministack: ASGIApp, store: LogStore, keys: Keys, filters: MetricFilters
    ) -> None:
        """Pass requests on to ministack.

        Args:
            ministack: answers the other operations.
            store: its log groups.
            keys: the account's keys.
            filters: what is applied to the events that the store receives.
        """
        self._ministack = ministack
        self._store = store
        self._keys = keys
        self._filters = filters
        self._protocol = ServiceProtocol("logs")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        request = Request(scope, receive)
        body = await request.body()
        try:
            operation, parameters = self._protocol.read(request.headers["x-amz-target"], body)
            if operation in _HANDLED:
                parameters = self._validated(operation, parameters)
                response = await self._run(operation, parameters, scope, body)
            else:
                await self._ministack(scope, asgi.replay(body, receive), send)
                return
        except ApiError as error:
            response = Response(encode_error(error), error.status, media_type=CONTENT_TYPE_1_1)
        await response(scope, receive, send)

    async def _run(
        self, operation: str, parameters: Mapping[str, Any], scope: Scope, body: bytes
    ) -> Response:
        is_key_change = operation in {"AssociateKmsKey", "DisassociateKmsKey"}
        group = self._existing_group(parameters) if is_key_change else ""
        if "kmsKeyId" in parameters:
            await self._check_key(parameters)
        if is_key_change:
            self._store.set_key(group, parameters.get("kmsKeyId"))
            return Response(encode({}), media_type=CONTENT_TYPE_1_1)
        if operation == "TestMetricFilter":
            return Response(encode(_test(parameters)), media_type=CONTENT_TYPE_1_1)
        if "filterPattern" in parameters:
            _pattern(parameters)
        if operation == "FilterLogEvents":
            return await self._events(parameters, scope)
        new = self._checked(parameters) if operation == "PutMetricFilter" else None
        response = await asgi.call(self._ministack, scope, body)
        if response.status_code == HTTPStatus.OK:
            self._follow(operation, parameters, new)
        return response

    async def _events(self, parameters: Mapping[str, Any], scope: Scope) -> Response:
        try:
            page = EventPage.of(parameters)
        except PageTokenError as error:
            raise _invalid(str(error)) from error
        response = await asgi.call(self._ministack, scope, json.dumps(page.request).encode())
        if response.status_code != HTTPStatus.OK:
            return response
        result = page.result(json.loads(bytes(response.body)))
        return asgi.with_body(response, json.dumps(result).encode())

    async def _check_key(self, parameters: Mapping[str, Any]) -> None:
        key, group = parameters["kmsKeyId"], parameters["logGroupName"]
        refused = (
            "The specified KMS key does not exist or is not allowed to be used with Arn"
            f" '{self._keys.group_arn(group)}'"
        )
        if not await self._keys.is_usable(key):
            raise _invalid(refused)
        if not await self._keys.lets_encrypt(key, group):
            raise ApiError("AccessDeniedException", refused)

    def _existing_group(self, parameters: Mapping[str, Any]) -> str:
        if "resourceIdentifier" in parameters or "logGroupName" not in parameters:
            raise _invalid("The stand-in encrypts log groups only: logGroupName must be given.")
        group = str(parameters["logGroupName"])
        if not self._store.has(group):
            raise ApiError(
                "ResourceNotFoundException", f"The specified log group does not exist: {group}"
            )
        return group

    def _validated(self, operation: str, parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        try:
            self._protocol.validate(operation, parameters)
        except ApiError as error:
            if error.code != "ValidationException":
                raise
            raise _invalid(error.message) from error
        return without_nulls(parameters)

    def _checked(self, parameters: Mapping[str, Any]) -> MetricFilter:
        unsupported = sorted(_UNSUPPORTED & parameters.keys())
        if unsupported:
            raise _invalid(f"The stand-in doesn't support {', '.join(unsupported)}.")
        pattern = _pattern(parameters)
        transformations = parameters["metricTransformations"]
        if len(transformations) != 1:
            raise _invalid("metricTransformations must have one member.")
        try:
            metric_filter = MetricFilter(
                pattern=pattern, transformation=transformation(transformations[0], pattern)
            )
        except TransformationError as error:
            raise _invalid(f"Invalid metric transformation: {error}") from error
        others = self._filters.of(parameters["logGroupName"])
        others.pop(parameters["filterName"], None)
        with_regex = [each for each in others.values() if each.pattern.regex_count]
        if len(others) >= _MOST_FILTERS or (
            pattern.regex_count and len(with_regex) >= _MOST_REGEX_FILTERS
        ):
            raise ApiError("LimitExceededException", "Resource limit exceeded.")
        return metric_filter

    def _follow(
        self, operation: str, parameters: Mapping[str, Any], new: MetricFilter | None
    ) -> None:
        """Change the filters as ministack has changed its own."""
        if new is not None:
            self._filters.put(parameters["logGroupName"], parameters["filterName"], new)
        elif operation == "DeleteMetricFilter":
            self._filters.remove(parameters["logGroupName"], parameters["filterName"])
        elif operation == "DeleteLogGroup":
            self._filters.remove_group(parameters["logGroupName"])


def _test(parameters: Mapping[str, Any]) -> dict[str, Any]:
    pattern = _pattern(parameters)
    extracted = [pattern.match(message) for message in parameters["logEventMessages"]]
    return {
        "matches": [
            {"eventNumber": index, "eventMessage": message, "extractedValues": dict(fields)}
            for index, (message, fields) in enumerate(
                zip(parameters["logEventMessages"], extracted, strict=True), start=1
            )
            if fields is not None
        ]
    }


def _pattern(parameters: Mapping[str, Any]) -> Pattern:
    try:
        return parse_pattern(parameters["filterPattern"])
    except PatternError as error:
        raise _invalid(f"Invalid metric filter pattern: {error}") from error


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidParameterException", message)
