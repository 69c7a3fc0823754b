"""AWS for unit tests: botocore's real shapes, scripted answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.providers.aws.clients import Aws, AwsError, Document
from localcloud.providers.schema import Request

Answer = Document | AwsError | Callable[[Document], Document]


@dataclass(frozen=True, kw_only=True)
class FakeAws(Aws):
    """Answers each operation by its script; the last answer of a script goes on."""

    script: dict[str, list[Any]] = field(default_factory=dict)
    calls: list[tuple[str, Document]] = field(default_factory=list)

    def call(
        self, service: str, operation: str, parameters: Document, region: str | None = None
    ) -> Document:
        del service, region
        self.calls.append((operation, parameters))
        answers = self.script[operation]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, AwsError):
            raise answer
        found: Document = answer
        return found

    def called(self, operation: str) -> list[Document]:
        return [parameters for name, parameters in self.calls if name == operation]


def fake(**script: list[Any]) -> FakeAws:
    return FakeAws(
        region="us-east-1", endpoints={}, access_key="test", secret_key="test", script=script
    )


def request(aws: Aws, timeout: float | None = None) -> Request[Aws]:
    return Request(context=aws, timeout=timeout)


def not_found(operation: str) -> AwsError:
    return AwsError(operation, "ResourceNotFoundException", "gone")
