from collections.abc import AsyncIterator

import pytest

from aws.ecs.service import EcsUnderTest


@pytest.fixture
async def ecs() -> AsyncIterator[EcsUnderTest]:
    created = EcsUnderTest()
    yield created
    await created.close()
