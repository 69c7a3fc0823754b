"""A stack's client secrets: moved from an earlier version of the program, rotated, kept secret.

The earlier version kept them in the state.
"""

import json
import re
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from automation.drills.callers import single_attempt
from automation.drills.records import Record
from automation.drills.traffic import Traffic
from automation.rotation.clients import find_clients
from automation.rotation.operations import Rotator
from automation.rotation.results import Outcome
from localcloud.cloud import Cloud
from localcloud.console import connect_aura
from localcloud.paths import Home
from neo4j_mcp_client import ClientCredentials, InvalidClientError, TokenProvider
from tests.end_to_end.plain_stack import PlainStack, copy_program, plain_stack
from tests.repository import ROOT
from tests.stand_in import Aws

pytestmark = [pytest.mark.stand_in, pytest.mark.slow]

_STACK = "secrets"
_CALLERS = 2
_PATIENCE = 60.0


@pytest.fixture(scope="module")
def stack(running: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainStack]:
    """A stack that the previous version of the program deployed."""
    program = copy_program(tmp_path_factory.mktemp("previous"))
    previous = Path(__file__).with_name("previous_credentials.py")
    (program / "components" / "credentials.py").write_bytes(previous.read_bytes())
    with plain_stack(running, _STACK) as stack:
        stack.configure({"overlapHours": 1})
        stack.use(program)
        stack.pulumi("up", "--yes", "--skip-preview")
        yield stack


@pytest.fixture(scope="module")
def connected(running: Cloud, stack: PlainStack) -> Iterator[dict[str, Any]]:
    """The stack's outputs, while the emulated Aura accepts its tokens."""
    outputs = stack.outputs()
    login = json.loads(running.console_credentials.read_text(encoding="utf-8"))
    before = httpx2.get(
        f"{running.console_url}/sso", auth=(login["username"], login["password"]), timeout=30
    )
    connect_aura(running, outputs["auraSso"])
    yield outputs
    if before.is_success:
        connect_aura(running, before.json())


@pytest.fixture(scope="module")
def http(running: Cloud) -> Iterator[httpx2.Client]:
    tls = ssl.create_default_context(cafile=str(Home(running.home).certificate_bundle))
    with httpx2.Client(verify=tls, timeout=30) as client:
        yield client


def _credentials(aws: Aws, arn: str) -> ClientCredentials:
    value = aws("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    return ClientCredentials.from_json(value)


def _issues_token(credentials: ClientCredentials) -> bool:
    try:
        TokenProvider(credentials).token()
    except InvalidClientError:
        return False
    return True


def _retire(aws: Aws, outputs: Mapping[str, Any], overlap_hours: int) -> None:
    """Delete the replaced client secrets, as the hourly rule does."""
    secrets = [client["secretArn"] for client in outputs["clients"].values()]
    event = {"retire": [{"secret": arn, "overlapHours": overlap_hours} for arn in secrets]}
    answer = aws("lambda").invoke(
        FunctionName=outputs["rotationFunction"], Payload=json.dumps(event).encode()
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


@dataclass(frozen=True, kw_only=True)
class Move:
    """A deployment of this version over the previous one, under traffic.

    Attributes:
        before: the stack's outputs before.
        outputs: its outputs now.
        originals: each client's credentials before, by its name.
        records: the calls during the deployment.
    """

    before: Mapping[str, Any]
    outputs: Mapping[str, Any]
    originals: Mapping[str, ClientCredentials]
    records: Sequence[Record]


@pytest.fixture(scope="module")
def moved(stack: PlainStack, connected: dict[str, Any], aws: Aws, http: httpx2.Client) -> Move:
    originals = {
        name: _credentials(aws, each["secretArn"]) for name, each in connected["clients"].items()
    }
    # The state holds the living secrets: that is what the move ends.
    assert all(each.client_secret in stack.state() for each in originals.values())
    kept = originals["reader"]
    # Each call takes a token with the secret that the caller has kept.
    call = single_attempt(http, kept.mcp_url, lambda: TokenProvider(kept).token().value)
    with Traffic(call, callers=_CALLERS, clock=time.monotonic) as traffic:
        assert traffic.wait_until(lambda records: len(records) >= _CALLERS, _PATIENCE)
        stack.use(ROOT)
        stack.pulumi("up", "--yes", "--skip-preview")
        done = time.monotonic()
        assert traffic.wait_until(
            lambda records: sum(each.began > done for each in records) >= 2 * _CALLERS, _PATIENCE
        )
    return Move(
        before=connected, outputs=stack.outputs(), originals=originals, records=traffic.records
    )


def test_no_call_of_a_caller_that_keeps_its_secret_fails(moved: Move) -> None:
    assert [each.message for each in moved.records if each.failure] == []


def test_callers_find_their_secrets_and_clients_where_they_were(moved: Move, aws: Aws) -> None:
    clients = moved.outputs["clients"]
    for name, before in moved.before["clients"].items():
        assert {key: clients[name][key] for key in before} == before
        original, current = moved.originals[name], _credentials(aws, before["secretArn"])
        assert current.client_secret != original.client_secret
        assert current == replace(original, client_secret=current.client_secret)


def test_the_original_secret_is_valid_until_the_overlap_ends(moved: Move, aws: Aws) -> None:
    original = moved.originals["writer"]
    current = _credentials(aws, moved.outputs["clients"]["writer"]["secretArn"])
    assert _issues_token(original)
    assert _issues_token(current)
    _retire(aws, moved.outputs, overlap_hours=1)
    assert _issues_token(original)

    _retire(aws, moved.outputs, overlap_hours=0)
    assert not _issues_token(original)
    assert _issues_token(current)


def test_the_state_holds_no_living_secret(stack: PlainStack, moved: Move, aws: Aws) -> None:
    _retire(aws, moved.outputs, overlap_hours=0)
    state = stack.state()
    for name, each in moved.outputs["clients"].items():
        assert not _issues_token(moved.originals[name])
        assert _credentials(aws, each["secretArn"]).client_secret not in state
    assert "aws:secretsmanager/secretVersion" not in state


def test_nothing_is_left_to_do_after_the_move(stack: PlainStack, moved: Move, aws: Aws) -> None:
    _retire(aws, moved.outputs, overlap_hours=0)
    stack.pulumi("preview", "--expect-no-changes")
    stack.pulumi("refresh", "--yes", "--skip-preview")
    # Not even the dead ones are left.
    state = stack.state()
    assert not [name for name, each in moved.originals.items() if each.client_secret in state]


@dataclass(frozen=True, kw_only=True)
class Rotated:
    """The stack after two rotations of every client's secret.

    Attributes:
        outputs: the stack's outputs.
        secrets: every client secret that ever was.
    """

    outputs: Mapping[str, Any]
    secrets: Sequence[str]


@pytest.fixture(scope="module")
def rotated(stack: PlainStack, moved: Move, aws: Aws) -> Rotated:
    """Rotate without an overlap, so that one rotation can follow another, and refresh the state."""
    stack.configure({"overlapHours": 0})
    stack.pulumi("up", "--yes", "--skip-preview")
    outputs = stack.outputs()
    secrets = [each.client_secret for each in moved.originals.values()]
    rotator = Rotator(
        stack=_STACK,
        function=outputs["rotationFunction"],
        user_pool_id=outputs["issuer"].rpartition("/")[2],
        aws=aws,
        report=lambda _: None,
        sleep=lambda _: time.sleep(0.1),
    )
    for _ in range(2):
        secrets += _current_secrets(aws, outputs)
        for client in find_clients(outputs, _STACK):
            done = rotator.rotate(client)
            assert done.outcome is Outcome.ROTATED, done.reason
    secrets += _current_secrets(aws, outputs)
    assert len(set(secrets)) == 4 * len(outputs["clients"])
    stack.pulumi("refresh", "--yes", "--skip-preview")
    return Rotated(outputs=outputs, secrets=secrets)


def _current_secrets(aws: Aws, outputs: Mapping[str, Any]) -> list[str]:
    arns = [client["secretArn"] for client in outputs["clients"].values()]
    return [_credentials(aws, arn).client_secret for arn in arns]


@pytest.mark.usefixtures("rotated")
def test_rotations_leave_nothing_to_deploy(stack: PlainStack) -> None:
    stack.pulumi("preview", "--expect-no-changes")


def test_a_new_version_of_the_function_is_deployed_in_place_and_writes_nothing(
    stack: PlainStack, moved: Move, aws: Aws, tmp_path: Path
) -> None:
    secrets = aws("secretsmanager")
    arns = [client["secretArn"] for client in moved.outputs["clients"].values()]
    before = [secrets.list_secret_version_ids(SecretId=arn)["Versions"] for arn in arns]
    program = copy_program(tmp_path)
    handler = program / "functions" / "rotation" / "handler.py"
    source = handler.read_text(encoding="utf-8")
    handler.write_text(f"{source}\n# Another version.\n", encoding="utf-8")
    stack.use(program)
    try:
        deployed = stack.pulumi("up", "--yes", "--skip-preview")
    finally:
        stack.use(ROOT)
    summary = deployed.rpartition("Resources:")[2]
    assert re.findall(r"(\d+) (\w+ed)$", summary, re.MULTILINE)[0] == ("1", "updated")
    assert "replaced" not in summary
    after = [secrets.list_secret_version_ids(SecretId=arn)["Versions"] for arn in arns]
    assert after == before


def test_a_changed_address_reaches_the_secret_with_the_same_client_secret(
    stack: PlainStack, rotated: Rotated, aws: Aws
) -> None:
    arn = rotated.outputs["clients"]["reader"]["secretArn"]
    overrides = stack.setting("endpointOverrides")

    def value() -> dict[str, Any]:
        found = aws("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        parsed: dict[str, Any] = json.loads(found)
        return parsed

    before = value()
    stack.configure(
        {"endpointOverrides": overrides | {"cognitoDomain": "http://tokens.localhost:1"}}
    )
    stack.pulumi("up", "--yes", "--skip-preview")
    # The next deployment restores the address.
    stack.configure({"endpointOverrides": overrides})
    assert value() == before | {"tokenUrl": "http://tokens.localhost:1/oauth2/token"}


def test_no_secret_that_ever_was_is_disclosed(
    stack: PlainStack, running: Cloud, rotated: Rotated, aws: Aws
) -> None:
    stack.pulumi("preview", "--diff", "--show-sames", "--show-secrets")
    stack.pulumi("up", "--yes", "--skip-preview", "--logtostderr", "-v=9")
    stack.pulumi("stack", "output", "--json", "--show-secrets")
    logs = Home(running.home).logs
    places = {
        "state": stack.state(),
        "output of the commands": "".join(stack.printed),
        **_function_logs(aws),
        **{path.name: path.read_text(encoding="utf-8") for path in logs.iterdir()},
    }
    # The places are the right ones.
    assert rotated.outputs["clients"]["reader"]["clientId"] in places["state"]
    assert rotated.outputs["rotationFunction"] in places["output of the commands"]
    log_group = f"/aws/lambda/{rotated.outputs['rotationFunction']}-"
    assert any("RequestId" in text for name, text in places.items() if name.startswith(log_group))
    found = [
        name for name, text in places.items() if any(secret in text for secret in rotated.secrets)
    ]
    assert found == []


def _function_logs(aws: Aws) -> dict[str, str]:
    """Return what each function has logged, by its log group."""
    logs = aws("logs")
    pages = logs.get_paginator("filter_log_events")
    return {
        name: "\n".join(
            event["message"]
            for page in pages.paginate(logGroupName=name)
            for event in page["events"]
        )
        for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
        for name in (group["logGroupName"],)
    }
