import signal
import socket
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc

from providers.conftest import start
from tests.repository import ROOT

pytestmark = pytest.mark.program


def test_the_providers_are_served_until_they_are_stopped(tmp_path: Path) -> None:
    process, addresses = start(
        "localcloud.providers", ["--project-directory", str(tmp_path)], {}, tmp_path / "log"
    )
    try:
        assert set(addresses) == {"aws", "docker", "random"}
        versions = {}
        for name, address in addresses.items():
            with grpc.insecure_channel(address) as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                versions[name] = stub.GetPluginInfo(empty_pb2.Empty(), timeout=10).version
        assert versions == {"aws": "7.51.1", "docker": "5.2.0", "random": "4.21.4"}
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_port_in_use_is_reported_with_the_flag_to_change_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "localcloud.providers", "--docker-port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode == 1
    assert f"port {port} for the docker provider is in use" in ended.stderr
    assert "--docker-port" in ended.stderr
    assert "Traceback" not in ended.stderr
