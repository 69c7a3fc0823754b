import gc
import os
from collections.abc import Iterator

import pytest

from localcloud.cloud import Cloud
from localcloud.paths import Home


@pytest.fixture
def pipeline(running: Cloud) -> dict[str, str]:
    """The environment of a shell after `make env`."""
    command = str(Home(running.home).engine_command.parent)
    path = f"{command}{os.pathsep}{os.environ['PATH']}"
    return os.environ | running.environment() | {"PATH": path, "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def failing_program() -> Iterator[None]:
    """The Automation API leaves the event loop of a program that fails open: end it here."""
    yield
    gc.collect()
