"""A check's access to the stack, which records every request as evidence."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

import httpx2
from botocore.exceptions import BotoCoreError, ClientError

from automation.checks.context import Context
from automation.checks.results import Exchange
from automation.checks.verdicts import Skipped

_MAXIMUM_LENGTH: Final = 4000
"""How many characters of a request or a response are recorded."""
_RECORDED_HEADERS: Final = ("content-type", "location", "www-authenticate", "retry-after")


def _everything(response: dict[str, Any]) -> object:
    return response


class Probe:
    """Access to the stack for one check; a context manager that closes its HTTP client.

    Attributes:
        context: the stack under test.
        evidence: the requests so far, with their responses.
        http: an HTTP client that records its requests and follows no redirects.
    """

    def __init__(self, context: Context) -> None:
        """Open an HTTP client, and start without evidence."""
        self.context = context
        self.evidence: list[Exchange] = []
        self.http = context.http_client(
            event_hooks={"request": [_record_start], "response": [self._record_response]}
        )

    def __enter__(self) -> Self:
        """Return the probe itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the HTTP client."""
        self.http.close()

    def note(self, what: str, observed: object) -> None:
        """Record an observation that isn't a request of this probe.

        Args:
            what: what was observed.
            observed: a string, or something to be shown as JSON.
        """
        shown = (
            observed if isinstance(observed, str) else json.dumps(observed, default=str, indent=2)
        )
        self.evidence.append(Exchange(request=_truncate(what), response=_truncate(shown)))

    def wait(self, seconds: float) -> None:
        """Sleep, unless the run is interrupted.

        Raises:
            Skipped: the run was interrupted.
        """
        if self.context.stopping.wait(max(0.0, seconds)):
            raise Skipped("the run was interrupted")

    def aws(
        self,
        service: str,
        operation: str,
        /,
        *,
        region: str | None = None,
        shown: Callable[[dict[str, Any]], object] = _everything,
        **parameters: Any,  # noqa: ANN401 - AWS's own
    ) -> dict[str, Any]:
        """Call AWS.

        Args:
            service: the service, as boto3 names it.
            operation: the operation, as boto3 names it.
            region: the region; by default the stack's, or the service's only one.
            shown: returns what the evidence has of a response; all of it by default.
            **parameters: the operation's parameters.

        Returns:
            The response without its metadata.

        Raises:
            botocore.exceptions.ClientError: AWS returns an error.
            botocore.exceptions.BotoCoreError: AWS doesn't respond.
        """
        call = getattr(self.context.client(service, region=region), operation)
        return self._called(service, operation, parameters, call, shown)

    def aws_pages(
        self,
        service: str,
        operation: str,
        /,
        *,
        region: str | None = None,
        shown: Callable[[dict[str, Any]], object] = _everything,
        **parameters: Any,  # noqa: ANN401 - AWS's own
    ) -> dict[str, Any]:
        """Call AWS for all pages, and return them as one.

        Args:
            service, operation, region, shown, parameters: see `aws`.

        Raises:
            botocore.exceptions.ClientError: AWS returns an error.
            botocore.exceptions.BotoCoreError: AWS doesn't respond.
        """

        def call(**parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
            pages = self.context.client(service, region=region).get_paginator(operation)
            found: dict[str, Any] = pages.paginate(**parameters).build_full_result()
            return found

        return self._called(service, operation, parameters, call, shown)

    def _called(
        self,
        service: str,
        operation: str,
        parameters: Mapping[str, Any],
        call: Callable[..., dict[str, Any]],
        shown: Callable[[dict[str, Any]], object],
    ) -> dict[str, Any]:
        request = f"{service} {operation} {json.dumps(parameters, default=_shorten)}"
        started = time.monotonic()
        try:
            response = call(**parameters)
        except (ClientError, BotoCoreError) as error:
            self._record(request, str(error), started)
            raise
        response.pop("ResponseMetadata", None)
        self._record(request, json.dumps(shown(response), default=str, indent=2), started)
        return response

    def _record_response(self, response: httpx2.Response) -> None:
        response.read()
        request = response.request
        started = request.extensions.get("started", time.monotonic())
        self._record(_format_request(request), _format_response(response), started)

    def _record(self, request: str, response: str, started: float) -> None:
        seconds = round(time.monotonic() - started, 4)
        self.evidence.append(
            Exchange(request=_truncate(request), response=_truncate(response), seconds=seconds)
        )


def _record_start(request: httpx2.Request) -> None:
    request.extensions["started"] = time.monotonic()


def _format_request(request: httpx2.Request) -> str:
    lines = [f"{request.method} {request.url}"]
    # The scheme is enough: the credentials would be blanked anyway.
    if authorization := request.headers.get("authorization"):
        lines.append(f"authorization: {authorization.partition(' ')[0]} …")
    body = request.content.decode("utf-8", "replace")
    return "\n".join([*lines, "", body] if body else lines)


def _format_response(response: httpx2.Response) -> str:
    lines = [f"HTTP {response.status_code} {response.reason_phrase}"]
    lines += [
        f"{name}: {response.headers[name]}"
        for name in _RECORDED_HEADERS
        if name in response.headers
    ]
    return "\n".join([*lines, "", response.text] if response.text else lines)


def _shorten(value: object) -> str:
    return f"{len(value)} bytes" if isinstance(value, bytes) else str(value)


def _truncate(text: str) -> str:
    if len(text) <= _MAXIMUM_LENGTH:
        return text
    return f"{text[:_MAXIMUM_LENGTH]}… ({len(text)} characters)"
