"""What functions can reserve of the account's concurrency, through boto3."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from aws.conftest import AwsEndpoint
from aws.recording_function import RecordingFunction

pytestmark = pytest.mark.stand_in

NAMES = ("reserves", "reserves-too")


@pytest.fixture(scope="module")
def client(endpoint: AwsEndpoint) -> Iterator[Any]:
    client = endpoint.client("lambda")
    for name in NAMES:
        RecordingFunction.create(endpoint, name)
    yield client
    endpoint.control().call("SetConcurrencyLimit", Limit=1000)
    for name in NAMES:
        client.delete_function_concurrency(FunctionName=name)


def limits(client: Any) -> tuple[int, int]:  # noqa: ANN401 - boto3 creates its clients at run time
    limit = client.get_account_settings()["AccountLimit"]
    return limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]


def reserve(client: Any, name: str, size: int) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=size)


def test_all_but_a_hundred_can_be_reserved_by_all_functions_together(client: Any) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    first, second = NAMES
    reserve(client, first, 600)
    reserve(client, second, 300)
    assert limits(client) == (1000, 100)

    with pytest.raises(ClientError) as error:
        reserve(client, second, 301)

    described = error.value.response["Error"]
    assert described["Code"] == "InvalidParameterValueException"
    assert "below its minimum value of [100]" in described["Message"]
    # Its own reservation doesn't count against a change of it.
    reserve(client, first, 500)
    assert limits(client) == (1000, 200)
    for name in NAMES:
        client.delete_function_concurrency(FunctionName=name)
    assert limits(client) == (1000, 1000)


def test_a_new_account_can_reserve_nothing(client: Any, endpoint: AwsEndpoint) -> None:  # noqa: ANN401 - boto3 creates its clients at run time
    endpoint.control().call("SetConcurrencyLimit", Limit=10)
    assert limits(client) == (10, 10)

    with pytest.raises(ClientError, match=r"below its minimum value of \[10\]"):
        reserve(client, NAMES[0], 1)

    reserve(client, NAMES[0], 0)
