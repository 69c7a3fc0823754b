"""A stack for which a test answers AWS's operations, through boto3's own clients."""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType, SimpleNamespace
from typing import Any

import boto3
from botocore.config import Config

from automation.blanking import Blanker
from automation.checks.context import Context
from components.settings import StackSettings

Answer = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Returns an operation's response, given the region and the parameters."""

_SESSION = boto3.Session(aws_access_key_id="unused", aws_secret_access_key="unused")
_CONFIG = Config(retries={"total_max_attempts": 1})


class AnsweredStack(Context):
    """A stack whose operations a test answers."""

    def __init__(
        self,
        answers: Mapping[str, Answer],
        *,
        settings: StackSettings,
        outputs: Mapping[str, Any],
        region: str,
        state: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Answer operations.

        Args:
            answers: the answers by the operations' names. An answer with the key "Error" is one.
            settings: the stack's configuration.
            outputs: the stack's outputs.
            region: the stack's region.
            state: the stack's state.
        """
        self.stack = "dev"
        self.settings = settings
        self.outputs = outputs
        self.state = lambda: state
        self.blanker = Blanker()
        self._answers = answers
        self._region = region

    def client(self, service: str, *, region: str | None = None) -> Any:  # noqa: ANN401 - as boto3's
        return _answered(service, region or self._region, self._answers)


class _Answering:
    """Answers what a client asks."""

    def __init__(self, region: str) -> None:
        self.answers: Mapping[str, Answer] = {}
        self._region = region
        self._asked: dict[str, Any] = {}

    def remember(self, params: dict[str, Any], **_: object) -> None:
        self._asked = dict(params)

    def answer(self, model: Any, **_: object) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401 - botocore's
        response = self.answers[model.name](self._region, self._asked)
        status = 400 if "Error" in response else 200
        return SimpleNamespace(status_code=status, headers={}), response


@cache
def _client(service: str, region: str) -> tuple[Any, _Answering]:
    # Making a client takes longer than most tests.
    client = _SESSION.client(service, region_name=region, config=_CONFIG)  # type: ignore[call-overload] # the name is no literal
    answering = _Answering(region)
    client.meta.events.register("before-parameter-build", answering.remember)
    client.meta.events.register("before-call", answering.answer)
    return client, answering


def _answered(service: str, region: str, answers: Mapping[str, Answer]) -> Any:  # noqa: ANN401 - boto3's
    client, answering = _client(service, region)
    answering.answers = answers
    return client


def error(code: str) -> dict[str, Any]:
    """Return an operation's response that is an error."""
    return {"Error": {"Code": code, "Message": "made up"}}
