"""AWS for unit tests: botocore's real shapes, scripted responses."""

import threading
from dataclasses import dataclass, field
from typing import Any

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.schema import (
    CheckRequest,
    CreateRequest,
    ResourceRequest,
    UpdateRequest,
)
from localcloud.providers.values import Values


@dataclass(frozen=True, kw_only=True)
class FakeAws(Aws):
    """Returns the scripted responses of each operation, and then the last one again."""

    script: dict[str, list[Any]] = field(default_factory=dict)
    calls: list[tuple[str, Document]] = field(default_factory=list)

    def call(
        self,
        service: str,  # noqa: ARG002 - the real client's parameter
        operation: str,
        parameters: Document,
        region: str | None = None,  # noqa: ARG002 - the same
    ) -> Document:
        self.calls.append((operation, parameters))
        responses = self.script[operation]
        response = responses.pop(0) if len(responses) > 1 else responses[0]
        if isinstance(response, AwsError):
            raise response
        found: Document = response
        return found

    def called(self, operation: str) -> list[Document]:
        return [parameters for name, parameters in self.calls if name == operation]


def fake(**script: list[Any]) -> FakeAws:
    return FakeAws(
        region="us-east-1", endpoints={}, access_key="test", secret_key="test", script=script
    )


class _Elapsed(threading.Event):
    """Lets a wait for a cancellation time out at once, so that polling takes no time."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else 0)


def check_request(aws: Aws, inputs: Values) -> CheckRequest[Aws]:
    return CheckRequest(context=aws, inputs=inputs)


def create_request(aws: Aws, inputs: Values, timeout: float | None = None) -> CreateRequest[Aws]:
    return CreateRequest(context=aws, inputs=inputs, timeout=timeout, cancelled=_Elapsed())


def resource_request(aws: Aws, resource_id: str, state: Values) -> ResourceRequest[Aws]:
    return ResourceRequest(context=aws, id=resource_id, state=state, cancelled=_Elapsed())


def update_request(aws: Aws, resource_id: str, state: Values, inputs: Values) -> UpdateRequest[Aws]:
    return UpdateRequest(
        context=aws, id=resource_id, state=state, inputs=inputs, cancelled=_Elapsed()
    )


def not_found(operation: str) -> AwsError:
    return AwsError(operation, "ResourceNotFoundException", "gone")
