"""The providers' ports accept calls only from the user who runs them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from providers.conftest import start, stop
from tests import other_user

_CALL = """
statuses = {}
for name, address in parameters["addresses"].items():
    with grpc.insecure_channel(address) as channel:
        provider = provider_pb2_grpc.ResourceProviderStub(channel)
        try:
            provider.Configure(provider_pb2.ConfigureRequest(), timeout=30)
            statuses[name] = "OK"
        except grpc.RpcError as error:
            statuses[name] = error.code().name
print(json.dumps(statuses))
"""


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    directory = tmp_path_factory.mktemp("providers")
    process, found = start(
        "localcloud.providers",
        ["--project-directory", str(directory)],
        {},
        Path(directory / "providers.log"),
    )
    yield found
    stop(process)


@pytest.mark.parametrize("name", ["aws", "docker", "random"])
def test_calls_from_the_same_user_are_accepted(addresses: Mapping[str, str], name: str) -> None:
    with grpc.insecure_channel(addresses[name]) as channel:
        provider = provider_pb2_grpc.ResourceProviderStub(channel)
        assert provider.GetPluginInfo(empty_pb2.Empty(), timeout=30).version


@other_user.as_nobody
def test_calls_from_another_user_are_rejected(addresses: Mapping[str, str]) -> None:
    imports = "import json, grpc\nfrom pulumi.runtime.proto import provider_pb2, provider_pb2_grpc"
    assert other_user.run(imports, _CALL, addresses=dict(addresses)) == dict.fromkeys(
        addresses, "PERMISSION_DENIED"
    )
