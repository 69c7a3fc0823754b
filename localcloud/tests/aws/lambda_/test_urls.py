import io
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from yarl import URL

from localcloud.aws.lambda_ import events
from localcloud.aws.lambda_.functions import Invocation
from localcloud.aws.lambda_.thread import FunctionUrlSettings, FunctionUrlThread
from localcloud.aws.lambda_.urls import UrlSettings
from localcloud.aws.metric_sender import DataPoint
from localcloud.aws.service_ports import NoPortError
from localcloud.certificates import CertificateAuthority
from tests.ports import free_ports


@dataclass
class FakeFunctions:
    """Answers invocations with a prepared result."""

    result: Any = None
    status: int = 200
    failed: bool = False
    public: bool = True
    invoked: list[dict[str, Any]] = field(default_factory=list)

    async def invoke(self, function: str, payload: bytes) -> Invocation:
        self.invoked.append({"function": function, "event": json.loads(payload)})
        return Invocation(
            status=self.status, failed=self.failed, payload=json.dumps(self.result).encode()
        )

    async def is_public(self, function: str) -> bool:
        return self.public and bool(function)


@dataclass
class Served:
    """An open URL, and a client that trusts it."""

    functions: FakeFunctions
    thread: FunctionUrlThread
    url: str
    client: aiohttp.ClientSession
    published: list[DataPoint]


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    authority = CertificateAuthority.load_or_create(tmp_path_factory.mktemp("authority"))
    (port,) = free_ports(1)
    functions, published = FakeFunctions(), list[DataPoint]()
    thread = FunctionUrlThread(
        FunctionUrlSettings(
            functions=functions,
            host="127.0.0.1",
            ports=range(port, port + 1),
            context=authority.server_context(["localhost"]),
            publish=published.extend,
        )
    )
    thread.start()
    assert await thread.open(UrlSettings(function="server")) == port
    context = ssl.create_default_context(cafile=str(authority.certificate_path))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as client:
        yield Served(functions, thread, f"https://localhost:{port}", client, published)
    thread.stop()


async def test_a_request_reaches_the_function_and_its_result_the_caller(served: Served) -> None:
    served.functions.result = {
        "statusCode": 401,
        "headers": {"www-authenticate": "Bearer", "content-type": "text/plain"},
        "body": "no",
    }

    async with served.client.post(
        URL(f"{served.url}/mcp?a=%2F", encoded=True),
        data=b'{"id": 1}',
        headers={"Authorization": "Bearer t", "Content-Type": "application/json"},
    ) as response:
        assert (response.status, await response.text()) == (401, "no")
        assert response.headers["x-amzn-remapped-www-authenticate"] == "Bearer"
        assert "www-authenticate" not in response.headers

    (invocation,) = served.functions.invoked
    event = invocation["event"]
    assert (event["rawPath"], event["rawQueryString"]) == ("/mcp", "a=%2F")
    assert event["headers"]["authorization"] == "Bearer t"
    assert event["body"] == '{"id": 1}'


async def test_a_function_that_fails_is_a_502(served: Served) -> None:
    served.functions.failed = True
    served.functions.result = {"errorMessage": "a secret of the function"}

    async with served.client.get(served.url) as response:
        assert (response.status, await response.read()) == (502, b"Internal Server Error")


async def test_a_throttled_function_is_a_429(served: Served) -> None:
    served.functions.status = 429
    served.functions.result = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}

    async with served.client.get(served.url) as response:
        assert response.status == 429
        assert response.headers["x-amzn-errortype"] == "TooManyRequestsException"
        assert (await response.json())["Reason"] == served.functions.result["Reason"]


async def test_requests_are_counted_by_the_class_of_their_status(served: Served) -> None:
    async with served.client.get(served.url):
        pass
    served.functions.failed = True
    async with served.client.get(served.url):
        pass
    of_function = [point for point in served.published if len(point.dimensions) == 1]
    found = [(point.name, point.value) for point in of_function if point.unit == "Count"]
    assert found == [
        ("UrlRequestCount", 1.0),
        ("Url4xxCount", 0.0),
        ("Url5xxCount", 0.0),
        ("UrlRequestCount", 1.0),
        ("Url4xxCount", 0.0),
        ("Url5xxCount", 1.0),
    ]
    assert {point.dimensions for point in of_function} == {(("FunctionName", "server"),)}


async def test_a_function_that_is_not_public_is_not_invoked(served: Served) -> None:
    served.functions.public = False

    async with served.client.get(served.url) as response:
        assert response.status == 403
    assert served.functions.invoked == []


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        (UrlSettings(function="server", auth_type="AWS_IAM"), 403),
        (UrlSettings(function="server", invoke_mode="RESPONSE_STREAM"), 501),
    ],
)
async def test_what_the_stand_in_does_not_verify_or_stream_is_refused(
    served: Served, changed: UrlSettings, status: int
) -> None:
    await served.thread.open(changed)

    async with served.client.get(served.url) as response:
        assert response.status == status
    assert served.functions.invoked == []


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_request_that_is_too_large_is_a_413(served: Served, chunked: bool) -> None:
    body = b"a" * (events.LARGEST_EVENT + 1)

    async def chunks() -> AsyncIterator[bytes]:
        yield body

    async with served.client.post(
        served.url, data=chunks() if chunked else io.BytesIO(body)
    ) as response:
        assert response.status == 413
        assert response.headers["x-amzn-errortype"] == "RequestTooLargeException"
    assert served.functions.invoked == []


async def test_a_large_request_and_a_large_result_are_passed_on(served: Served) -> None:
    served.functions.result = {"statusCode": 200, "body": "b" * 6_000_000}
    headers = {"Content-Type": "text/plain"}

    async with served.client.post(
        served.url, data=io.BytesIO(b"a" * 6_000_000), headers=headers
    ) as response:
        assert len(await response.read()) == 6_000_000
    assert len(served.functions.invoked[0]["event"]["body"]) == 6_000_000


async def test_another_host_name_reaches_no_function(served: Served) -> None:
    async with served.client.get(served.url, headers={"Host": "evil.example"}) as response:
        assert response.status == 403
    assert served.functions.invoked == []


async def test_a_url_keeps_its_port_and_a_closed_one_frees_it(served: Served) -> None:
    port = served.thread.port("server")
    with pytest.raises(NoPortError, match="--service-ports"):
        await served.thread.open(UrlSettings(function="other"))
    await served.thread.close("server")

    assert served.thread.port("server") is None
    assert await served.thread.open(UrlSettings(function="other")) == port
