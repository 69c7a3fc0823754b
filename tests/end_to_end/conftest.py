import os

import pytest

from localcloud.cloud import Cloud
from localcloud.paths import Home


@pytest.fixture
def pipeline(running: Cloud) -> dict[str, str]:
    """The environment of a shell after `make env`."""
    command = str(Home(running.home).engine_command.parent)
    path = f"{command}{os.pathsep}{os.environ['PATH']}"
    return os.environ | running.environment() | {"PATH": path, "PYTHONUNBUFFERED": "1"}
