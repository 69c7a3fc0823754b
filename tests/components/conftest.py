"""Fixtures of the component tests: settings, a stack's context, a build context."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tests.components.aws_sdk  # noqa: F401  before the components load the SDK
from components.context import StackContext
from components.settings import StackSettings
from server.context import BuildContext
from tests.components.mocks import PROJECT
from tests.components.parsing import parse

_MINIMUM = {
    "neo4jUri": "neo4j+s://0123abcd.databases.neo4j.io",
    "clients": {
        "agent": {"scopes": ["reader"]},
        "loader": {"scopes": ["reader", "writer"], "tokenValidityMinutes": 15},
    },
}

MakeSettings = Callable[..., StackSettings]
MakeContext = Callable[..., StackContext]


@pytest.fixture
def make_settings() -> MakeSettings:
    def make(**values: Any) -> StackSettings:  # noqa: ANN401  any configured value
        return parse({**_MINIMUM, **values})

    return make


@pytest.fixture
def make_context(make_settings: MakeSettings) -> MakeContext:
    def make(**values: Any) -> StackContext:  # noqa: ANN401  any configured value
        return StackContext.create(make_settings(**values), project=PROJECT, stack="dev")

    return make


@pytest.fixture
def build() -> BuildContext:
    project = Path(__file__).resolve().parents[2]
    return BuildContext(
        directory=project / "server" / "build" / "contexts" / "1.6.1-0123",
        tag="1.6.1-0123",
        arguments={"VERSION": "1.6.1"},
    )
