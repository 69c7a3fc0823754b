"""One check's view of the deployment: whatever it asks is kept as evidence."""

import json
import time
from types import TracebackType
from typing import Any, Final, Self

import httpx2
from botocore.exceptions import BotoCoreError, ClientError

from automation.checks.context import Context
from automation.checks.results import Exchange
from automation.checks.verdicts import Skipped

_LONGEST: Final = 4000
"""Characters of a request or an answer that are kept."""
_HEADERS: Final = ("content-type", "location", "www-authenticate", "retry-after")


class Inspection:
    """What a check gets to look with; a context manager, which closes its connections.

    Attributes:
        context: the deployment.
        evidence: what was asked and seen so far.
        http: an HTTP client that keeps its exchanges as evidence and follows no redirect.
    """

    def __init__(self, context: Context) -> None:
        """Begin without evidence.

        Args:
            context: the deployment.
        """
        self.context = context
        self.evidence: list[Exchange] = []
        self.http = context.http_client(
            event_hooks={"request": [_remember_start], "response": [self._keep_response]}
        )

    def __enter__(self) -> Self:
        """Nothing is opened yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the HTTP client."""
        self.http.close()

    def note(self, what: str, seen: object) -> None:
        """Keep something as evidence that no client asked for.

        Args:
            what: what was looked at.
            seen: what was seen.
        """
        shown = seen if isinstance(seen, str) else json.dumps(seen, default=str, indent=2)
        self.evidence.append(Exchange(asked=_short(what), answered=_short(shown)))

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the run goes on.

        Args:
            seconds: how long.

        Raises:
            Skipped: the run was interrupted.
        """
        if self.context.stopping.wait(max(0.0, seconds)):
            raise Skipped("the run was interrupted")

    def aws(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - AWS's own
        """Call AWS.

        Args:
            service: the service, as boto3 names it.
            operation: the operation, as boto3 names it.
            **parameters: its parameters.

        Returns:
            The answer, without the metadata of its transport.

        Raises:
            botocore.exceptions.ClientError: AWS refuses.
            botocore.exceptions.BotoCoreError: AWS doesn't answer.
        """
        asked = f"{service} {operation} {json.dumps(parameters, default=str)}"
        started = time.monotonic()
        try:
            answer: dict[str, Any] = getattr(self.context.client(service), operation)(**parameters)
        except (ClientError, BotoCoreError) as error:
            self._keep(asked, str(error), started)
            raise
        answer.pop("ResponseMetadata", None)
        self._keep(asked, json.dumps(answer, default=str, indent=2), started)
        return answer

    def _keep_response(self, response: httpx2.Response) -> None:
        response.read()
        request = response.request
        started = request.extensions.get("started", time.monotonic())
        self._keep(_request_text(request), _response_text(response), started)

    def _keep(self, asked: str, answered: str, started: float) -> None:
        seconds = round(time.monotonic() - started, 4)
        self.evidence.append(
            Exchange(asked=_short(asked), answered=_short(answered), seconds=seconds)
        )


def _remember_start(request: httpx2.Request) -> None:
    request.extensions["started"] = time.monotonic()


def _request_text(request: httpx2.Request) -> str:
    lines = [f"{request.method} {request.url}"]
    # The scheme is enough: the credentials would be blanked anyway.
    if authorization := request.headers.get("authorization"):
        lines.append(f"authorization: {authorization.partition(' ')[0]} …")
    body = request.content.decode("utf-8", "replace")
    return "\n".join([*lines, "", body] if body else lines)


def _response_text(response: httpx2.Response) -> str:
    lines = [f"HTTP {response.status_code} {response.reason_phrase}"]
    lines += [f"{name}: {response.headers[name]}" for name in _HEADERS if name in response.headers]
    return "\n".join([*lines, "", response.text] if response.text else lines)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"
