import logging
from collections.abc import Callable, Iterator

import pytest

from tests.functions.rotation.world import World

NewWorld = Callable[[], World]


@pytest.fixture
def new_world(caplog: pytest.LogCaptureFixture) -> Iterator[NewWorld]:
    """Return worlds; afterwards, no client secret may be in a log, a result or an exception."""
    worlds: list[World] = []

    def make() -> World:
        worlds.append(World())
        return worlds[-1]

    with caplog.at_level(logging.DEBUG):
        yield make
    for world in worlds:
        shown = "\n".join((caplog.text, *world.shown))
        assert not [each for each in world.values if each in shown]


@pytest.fixture
def world(new_world: NewWorld) -> World:
    return new_world()
