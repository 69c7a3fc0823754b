import gc
from collections.abc import Iterator

import pytest


@pytest.fixture
def failing_program() -> Iterator[None]:
    """The Automation API leaves the event loop of a program that fails open: end it here."""
    yield
    gc.collect()
