import pytest

from aws.cloudwatch.service import FakeCloudWatch


@pytest.fixture
def cloudwatch() -> FakeCloudWatch:
    return FakeCloudWatch()
