"""A person who has logged in to the deployed stack as its reader, and the stack's faults."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.stand_in import connect_aura
from localcloud.cloud import Cloud
from tests.client.command import Command, command_of

Aws = Callable[[str], Any]
ChangeAura = Callable[..., None]
ChangeServer = Callable[..., None]
_PATIENCE = 120.0


@pytest.fixture
def command(running: Cloud, outputs: dict[str, Any], tmp_path: Path) -> Command:
    """The command line of a person who is logged in."""
    command = command_of(tmp_path, **running.environment())
    text = json.dumps(outputs)
    logged_in = command("login", "--outputs", "-", "--client", "reader", text=text)
    assert logged_in.status == 0, logged_in.messages
    return command


@pytest.fixture
def change_aura(running: Cloud, outputs: dict[str, Any]) -> Iterator[ChangeAura]:
    """Mistype something in the Aura console; the test's end puts it right."""

    def change(**settings: Any) -> None:  # noqa: ANN401 - settings are anything
        connect_aura(running, outputs["auraSso"] | settings)

    yield change
    connect_aura(running, outputs["auraSso"])


@pytest.fixture
def service_arn(outputs: dict[str, Any], aws: Aws) -> str:
    services = aws("apprunner").list_services()["ServiceSummaryList"]
    host = outputs["serviceUrl"].removeprefix("https://")
    (arn,) = (each["ServiceArn"] for each in services if each["ServiceUrl"] == host)
    return str(arn)


@pytest.fixture
def change_server(aws: Aws, service_arn: str) -> Iterator[ChangeServer]:
    """Change variables of the server's environment; the test's end puts them back."""
    apprunner = aws("apprunner")
    found = apprunner.describe_service(ServiceArn=service_arn)["Service"]
    original = found["SourceConfiguration"]

    def change(**variables: str) -> None:
        changed = json.loads(json.dumps(original))
        image = changed["ImageRepository"]["ImageConfiguration"]
        image["RuntimeEnvironmentVariables"] |= variables
        _update(apprunner, service_arn, changed)

    yield change
    _update(apprunner, service_arn, original)


def _update(apprunner: Any, arn: str, configuration: Any) -> None:  # noqa: ANN401 - boto3's own
    apprunner.update_service(ServiceArn=arn, SourceConfiguration=configuration)
    settled(apprunner, arn, "RUNNING")


def settled(apprunner: Any, arn: str, status: str) -> None:  # noqa: ANN401 - boto3's own
    """Wait until a service has come to a status; App Runner has nothing but asking for it."""
    deadline = time.monotonic() + _PATIENCE
    while (found := apprunner.describe_service(ServiceArn=arn)["Service"]["Status"]) != status:
        assert time.monotonic() < deadline, f"{found} and not {status}"
        time.sleep(0.2)
