"""Which certificate authorities a function trusts, as on AWS without any setting."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aws.conftest import AwsEndpoint, create_role
from aws.test_function_versions import package
from localcloud.certificates import CertificateAuthority

pytestmark = pytest.mark.stand_in

_NAME = "trusting"
_CODE = """
import ssl
import urllib.error
import urllib.request


def handler(event, context):
    try:
        with urllib.request.urlopen(event["url"], timeout=20) as response:
            return response.status
    except urllib.error.URLError as error:
        return type(error.reason).__name__
"""


@pytest.fixture(scope="module")
def client(endpoint: AwsEndpoint) -> Iterator[Any]:
    client = endpoint.client("lambda")
    client.create_function(
        FunctionName=_NAME,
        Role=create_role(endpoint, _NAME, "lambda.amazonaws.com", []),
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": package(_CODE)},
        Timeout=30,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=_NAME)
    yield client
    client.delete_function(FunctionName=_NAME)


def _url(authority: CertificateAuthority) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        context = authority.server_context(["localhost"])
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()
        thread.join(30)


@pytest.fixture
def trusted(endpoint: AwsEndpoint) -> Iterator[str]:
    yield from _url(endpoint.authority)


@pytest.fixture
def private(tmp_path: Path) -> Iterator[str]:
    yield from _url(CertificateAuthority.load_or_create(tmp_path))


def _open(client: Any, url: str) -> object:  # noqa: ANN401 - boto3 creates its clients at run time
    answer = client.invoke(FunctionName=_NAME, Payload=json.dumps({"url": url}))
    return json.loads(answer["Payload"].read())


def test_a_function_trusts_the_authority_of_the_stand_ins_services(
    client: Any,  # noqa: ANN401 - boto3 creates its clients at run time
    trusted: str,
) -> None:
    assert _open(client, trusted) == 204


def test_a_function_trusts_no_private_authority(
    client: Any,  # noqa: ANN401 - boto3 creates its clients at run time
    private: str,
) -> None:
    assert _open(client, private) == "SSLCertVerificationError"
