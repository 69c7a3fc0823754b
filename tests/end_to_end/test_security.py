"""Another user of the machine and a web page can't use any part of a stand-in."""

import base64
import dataclasses
import datetime as dt
import io
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx2
import psutil
import pytest

from aws.calls import CALLS, Call, send
from localcloud import services
from localcloud.access_key import AccessKey
from localcloud.cloud import Cloud
from localcloud.paths import Home
from tests import other_user
from tests.repository import ROOT
from tests.stand_in import Aws

pytestmark = pytest.mark.stand_in

_REQUESTS = """
def status(address, method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()

function = json.dumps({
    "FunctionName": "attack", "Runtime": "python3.13", "Handler": "index.handler",
    "Role": "arn:aws:iam::000000000000:role/x", "Code": {"ZipFile": parameters["archive"]},
})
json_type = {"Content-Type": "application/json"}
aws, console = parameters["aws"], parameters["console"]
found = {
    "create": status(aws, "POST", "/2015-03-31/functions", function, json_type),
    "invoke": status(aws, "POST", "/2015-03-31/functions/attack/invocations", "{}", json_type),
    "reset": status(aws, "POST", "/_ministack/reset"),
    "catalog": status(aws, "GET", "/v2/"),
    "console": status(console, "GET", "/sso"),
    "sign on": status(console, "PUT", "/sso", "{}", json_type),
}
for name, address in parameters["providers"].items():
    with grpc.insecure_channel(address) as channel:
        provider = provider_pb2_grpc.ResourceProviderStub(channel)
        try:
            provider.Configure(provider_pb2.ConfigureRequest(), timeout=30)
            found[name] = "OK"
        except grpc.RpcError as error:
            found[name] = error.code().name
for path in parameters["files"]:
    try:
        with open(path, "rb") as file:
            found[path] = "read"
    except PermissionError:
        found[path] = "denied"
print(json.dumps(found))
"""


def _secrets(home: Home) -> list[Path]:
    return [
        home.aws_credentials,
        home.passphrase,
        home.authority / "ca.key",
        home.aura / "credentials.json",
        home.description,
    ]


def _providers(running: Cloud) -> dict[str, str]:
    ports = (each.split(":") for each in running.debug_providers.split(","))
    return {name: f"127.0.0.1:{port}" for name, port in ports}


@other_user.as_nobody
def test_another_user_is_refused_everywhere(running: Cloud, aws: Aws) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", "import os\ndef handler(event, context):\n return os.getuid()\n")
    files = list(map(str, _secrets(Home(running.home))))
    found = other_user.run(
        "import http.client, json, grpc\n"
        "from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc",
        _REQUESTS,
        aws=running.aws_endpoint.removeprefix("http://"),
        console=running.console_url.removeprefix("http://"),
        archive=base64.b64encode(archive.getvalue()).decode(),
        providers=_providers(running),
        files=files,
    )
    assert found == {
        "create": 403,
        "invoke": 403,
        "reset": 404,
        "catalog": 401,
        "console": 401,
        "sign on": 401,
        **dict.fromkeys(("aws", "docker", "random"), "PERMISSION_DENIED"),
        **dict.fromkeys(files, "denied"),
    }
    names = [each["FunctionName"] for each in aws("lambda").list_functions()["Functions"]]
    assert "attack" not in names


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.service)
def test_only_the_stand_ins_key_is_accepted(running: Cloud, call: Call) -> None:
    address, key = running.aws_endpoint.removeprefix("http://"), running.access_key()
    signed = call.signed(address, key)
    assert send(address, signed).status == 200
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    for wrong, code in (
        (call.unsigned(address), call.missing),
        (call.signed(address, AccessKey.generate()), call.unknown_key),
        (dataclasses.replace(signed, body=call.body + b" "), call.mismatch),
        (call.signed(address, key, at=long_ago), call.mismatch),
    ):
        assert send(address, wrong).code == code
    reset = dataclasses.replace(call, method="POST", path="/_ministack/reset")
    assert send(address, reset.signed(address, key)).status == 404


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_a_web_page_is_refused_everywhere(
    running: Cloud, method: str, headers: dict[str, str]
) -> None:
    for url in (
        f"{running.aws_endpoint}/oauth2/token",
        f"{running.aws_endpoint}/v2/",
        f"{running.aws_endpoint}/2015-03-31/functions",
        f"{running.console_url}/sso",
    ):
        answer = httpx2.request(method, url, headers=headers)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_the_key_is_in_no_command_line_or_output(running: Cloud) -> None:
    home, secret = Home(running.home), running.access_key().secret
    for name in services.NAMES:
        record = json.loads((services.records(home) / f"{name}.json").read_text(encoding="utf-8"))
        process = psutil.Process(record["pid"])
        for each in (process, *process.children(recursive=True)):
            assert secret not in " ".join(each.cmdline())
    for path in (*home.logs.iterdir(), *home.workspace.iterdir(), home.description):
        assert secret not in path.read_text(encoding="utf-8")
    assert secret not in json.dumps(running.environment())


def test_only_the_owner_can_read_the_folder_and_its_secrets(running: Cloud) -> None:
    home = Home(running.home)
    assert stat.S_IMODE(home.directory.stat().st_mode) == 0o700
    for path in _secrets(home)[:-1]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_aws_tools_use_the_stand_ins_key(running: Cloud) -> None:
    asking = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    persons = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "a-persons-own",
        "AWS_SESSION_TOKEN": "a-persons-own",
        "AWS_PROFILE": "a-persons-own",
    }
    done = subprocess.run(
        [sys.executable, "-c", asking],
        env=os.environ | persons | running.environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "000000000000"
