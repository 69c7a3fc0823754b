"""Rotations and revocations, with Secrets Manager, Cognito and the rotation function in memory."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from automation.grants import Purpose, StackLocation
from automation.roles import permissions
from automation.rotation.clients import Client, UnknownClientError, find_clients
from automation.rotation.operations import Rotator, find_reason
from automation.rotation.results import Outcome
from components.names import ResourceNames
from components.settings import Hosting
from functions.rotation.decisions import client_secret_label, since_label

_SESSION = botocore.session.Session()
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ARN = "arn:aws:secretsmanager:us-east-1:111122223333:secret:writer"
CLIENT = Client(
    name="writer",
    client_id="client1",
    secret_arn=ARN,
    enabled=True,
    token_validity=timedelta(minutes=60),
    rotation_days=30,
    overlap=timedelta(hours=24),
)
ROTATE = "python -m automation rotate --stack dev --client writer"
REVOKE = "python -m automation revoke --stack dev --client writer"


class FunctionFailedError(Exception):
    """What the rotation function raises."""


@dataclass
class Aws:
    """One client's secret and client secrets; `function` and `secrets_manager` change them."""

    now: datetime = NOW
    versions: dict[str, set[str]] = field(
        default_factory=lambda: {"v1": {"AWSCURRENT", "cognito:s1", since_label(NOW)}}
    )
    known: dict[str, datetime] = field(default_factory=lambda: {"s1": NOW - timedelta(days=30)})
    log: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    function: Callable[["Aws", Mapping[str, Any]], None] = lambda *_: None
    secrets_manager: Callable[["Aws", str], None] = lambda *_: None
    polls: int = 0
    actions: set[str] = field(default_factory=set)

    def __call__(self, service: str) -> "_Recorded":
        return _Recorded(self, service)

    def replace_current(self, version: str, client_secret: str) -> None:
        for stages in self.versions.values():
            stages -= {"AWSCURRENT", "AWSPENDING"}
        labels = client_secret_label(client_secret), since_label(self.now)
        self.versions[version] = {"AWSCURRENT", *labels}
        self.known[client_secret] = self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.polls += 1

    def list_secret_version_ids(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert SecretId == ARN
        versions = [
            {"VersionId": each, "VersionStages": sorted(stages), "CreatedDate": NOW}
            for each, stages in self.versions.items()
            if stages
        ]
        return {"Versions": versions}

    def list_user_pool_client_secrets(self, **given: str) -> dict[str, Any]:
        # One on a page, so that the next page counts.
        ids = [*self.known]
        position = int(given.pop("NextToken", "0"))
        assert given == {"UserPoolId": "pool", "ClientId": "client1"}
        page = [
            {"ClientSecretId": each, "ClientSecretCreateDate": self.known[each]}
            for each in ids[position : position + 1]
        ]
        more = {"NextToken": str(position + 1)} if position + 1 < len(ids) else {}
        return {"ClientSecrets": page, **more}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert FunctionName == "rotation"
        event = json.loads(Payload)
        self.events.append(event)
        try:
            self.function(self, event)
        except FunctionFailedError as error:
            failure = {"errorMessage": str(error), "errorType": "RotationError"}
            return {
                "FunctionError": "Unhandled",
                "Payload": io.BytesIO(json.dumps(failure).encode()),
            }
        return {"Payload": io.BytesIO(b"{}")}

    def rotate_secret(self, *, SecretId: str, ClientRequestToken: str) -> None:  # noqa: N803 - boto3's
        assert SecretId == ARN
        self.versions[ClientRequestToken] = {"AWSPENDING"}
        self.secrets_manager(self, ClientRequestToken)

    def update_secret_version_stage(self, **given: str) -> None:
        assert (given["SecretId"], given["VersionStage"]) == (ARN, "AWSPENDING")
        if "AWSPENDING" not in self.versions[given["RemoveFromVersionId"]]:
            message = "Staging label AWSPENDING isn't attached to version v2."
            response = {"Error": {"Code": "InvalidParameterException", "Message": message}}
            raise ClientError(cast("Any", response), "UpdateSecretVersionStage")
        self.versions[given["RemoveFromVersionId"]].remove("AWSPENDING")

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        assert FunctionName == "rotation"
        return {"LoggingConfig": {"LogGroup": "/aws/lambda/rotation-1"}}

    def filter_log_events(
        self,
        *,
        logGroupName: str,  # noqa: N803 - boto3's
        startTime: int,  # noqa: N803 - boto3's
        filterPattern: str,  # noqa: N803 - boto3's
    ) -> dict[str, Any]:
        assert logGroupName == "/aws/lambda/rotation-1"
        assert startTime < NOW.timestamp() * 1000
        wanted = filterPattern.strip('"')
        return {"events": [{"message": line} for line in self.log if wanted in line]}


class _Recorded:
    """The client of a service, which records the permissions that its calls need."""

    def __init__(self, aws: Aws, service: str) -> None:
        self._aws = aws
        self._service = service
        names = _SESSION.get_service_model(service).operation_names
        self._operations = {xform_name(name): name for name in names}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any operation
        operation = self._operations[name]
        permission = "InvokeFunction" if operation == "Invoke" else operation
        self._aws.actions.add(f"{self._service}:{permission}")
        return getattr(self._aws, name)


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def progress() -> list[str]:
    return []


@pytest.fixture
def rotator(aws: Aws, progress: list[str]) -> Rotator:
    return Rotator(
        stack="dev",
        function="rotation",
        user_pool_id="pool",
        aws=aws,
        report=progress.append,
        now=lambda: aws.now,
        sleep=aws.sleep,
        limit=20.0,
    )


def test_a_rotation_is_awaited_and_its_overlap_reported(
    aws: Aws, rotator: Rotator, progress: list[str]
) -> None:
    def rotate_later(aws: Aws, version: str) -> None:
        aws.replace_current(version, "s2")

    aws.secrets_manager = rotate_later
    result = rotator.rotate(CLIENT)
    assert (result.outcome, result.reason) == (Outcome.ROTATED, "")
    assert (result.previous, result.current) == ("s1", "s2")
    assert result.previous_ends == NOW + timedelta(hours=24)
    assert aws.events == [{"retire": [{"secret": ARN, "overlapHours": 24.0}]}]
    assert progress == ["… Rotating the secret of writer"]


def test_a_rotation_without_an_end_is_undecided_after_the_limit(aws: Aws, rotator: Rotator) -> None:
    result = rotator.rotate(CLIENT)
    assert result.outcome is Outcome.UNDECIDED
    assert "isn't complete after 20 s" in result.reason
    assert "/aws/lambda/rotation-1" in result.reason
    assert aws.polls == 10


def test_a_failure_is_reported_with_the_functions_own_reason(aws: Aws, rotator: Rotator) -> None:
    def fail(aws: Aws, version: str) -> None:
        entry = {"message": "setSecret", "secret": ARN, "versionId": version, "error": "no rights"}
        aws.log = [
            f"[ERROR]\t2026-03-01T12:00:00Z\tabc\t{json.dumps({**entry, 'version': 'v0'})}",
            f"RotateSecret {ARN} {version} without an entry",
            f"[ERROR]\t2026-03-01T12:00:00Z\tabc\t{json.dumps(entry)}",
        ]

    aws.secrets_manager = fail
    result = rotator.rotate(CLIENT)
    assert result.outcome is Outcome.FAILED
    assert result.reason == f"no rights\nWhen the cause is fixed, run: {ROTATE} --unstick"
    assert aws.polls == 0


def test_a_rotation_that_secrets_manager_refuses_is_a_failure(aws: Aws, rotator: Rotator) -> None:
    def refuse(_aws: Aws, _version: str) -> None:
        response = {
            "Error": {"Code": "InvalidRequestException", "Message": "No Lambda rotation function"}
        }
        raise ClientError(cast("Any", response), "RotateSecret")

    aws.secrets_manager = refuse
    result = rotator.rotate(CLIENT)
    assert result.outcome is Outcome.FAILED
    assert "No Lambda rotation function" in result.reason


def _unfinished_rotation() -> ClientError:
    message = "A previous rotation isn't complete. That rotation will be reattempted."
    response = {"Error": {"Code": "InvalidRequestException", "Message": message}}
    return ClientError(cast("Any", response), "RotateSecret")


def test_the_repetition_of_an_earlier_rotation_is_awaited(
    aws: Aws, rotator: Rotator, progress: list[str]
) -> None:
    def refuse_twice(aws: Aws, version: str) -> None:
        if aws.polls < 2:
            del aws.versions[version]
            raise _unfinished_rotation()
        aws.replace_current(version, "s2")

    aws.secrets_manager = refuse_twice
    assert rotator.rotate(CLIENT).outcome is Outcome.ROTATED
    assert aws.polls == 2
    assert progress == [
        "… Rotating the secret of writer",
        "… Waiting for Secrets Manager, which repeats an earlier rotation",
    ]


def test_a_repetition_without_an_end_fails_within_the_limit(aws: Aws, rotator: Rotator) -> None:
    def refuse(aws: Aws, version: str) -> None:
        del aws.versions[version]
        raise _unfinished_rotation()

    aws.secrets_manager = refuse
    result = rotator.rotate(CLIENT)
    assert result.outcome is Outcome.FAILED
    assert "A previous rotation isn't complete" in result.reason
    assert aws.now - NOW <= timedelta(seconds=rotator.limit)


def test_a_rotation_within_the_overlap_is_not_started(
    aws: Aws, rotator: Rotator, progress: list[str]
) -> None:
    aws.replace_current("v2", "s2")
    result = rotator.rotate(CLIENT)
    assert result.outcome is Outcome.REFUSED
    assert "The overlap ends at 2026-03-02 12:00 UTC" in result.reason
    assert REVOKE in result.reason
    assert progress == []
    assert set(aws.versions) == {"v1", "v2"}


def test_the_replaced_client_secret_is_deleted_before_the_next_rotation(
    aws: Aws, rotator: Rotator
) -> None:
    def retire(aws: Aws, _event: Mapping[str, Any]) -> None:
        aws.known.pop("s0", None)

    aws.known["s0"] = NOW - timedelta(days=60)
    aws.function = retire
    aws.secrets_manager = lambda aws, version: aws.replace_current(version, "s2")
    assert rotator.rotate(CLIENT).outcome is Outcome.ROTATED
    assert set(aws.known) == {"s1", "s2"}


def test_what_the_function_refuses_to_delete_prevents_the_rotation(
    aws: Aws, rotator: Rotator
) -> None:
    def refuse(_aws: Aws, _event: Mapping[str, Any]) -> None:
        raise FunctionFailedError("a client secret was added by hand: s9")

    aws.function = refuse
    result = rotator.rotate(CLIENT)
    assert result.outcome is Outcome.REFUSED
    assert result.reason.startswith("a client secret was added by hand: s9")
    assert set(aws.versions) == {"v1"}


def test_a_stuck_rotation_is_reported_and_left(aws: Aws, rotator: Rotator) -> None:
    aws.versions["v2"] = {"AWSPENDING"}
    result = rotator.rotate(CLIENT)
    assert result.outcome is Outcome.STUCK
    assert "began at 2026-03-01 12:00 UTC" in result.reason
    assert f"{ROTATE} --unstick" in result.reason
    assert aws.events == []


def test_a_stuck_rotation_is_completed_by_the_function(aws: Aws, rotator: Rotator) -> None:
    def complete(aws: Aws, event: Mapping[str, Any]) -> None:
        assert event == {"rotate": ARN, "versionId": "v2"}
        aws.replace_current("v2", "s2")

    aws.versions["v2"] = {"AWSPENDING"}
    aws.function = complete
    result = rotator.unstick(CLIENT)
    assert (result.outcome, result.current) == (Outcome.ROTATED, "s2")


def test_a_stuck_rotation_that_cannot_be_completed_is_abandoned(aws: Aws, rotator: Rotator) -> None:
    def fail(_aws: Aws, _event: Mapping[str, Any]) -> None:
        raise FunctionFailedError("the app client was replaced")

    aws.versions["v2"] = {"AWSPENDING", "cognito:s2"}
    aws.function = fail
    result = rotator.unstick(CLIENT)
    assert result.outcome is Outcome.ABANDONED
    assert "the app client was replaced" in result.reason
    assert result.reason.endswith(ROTATE)
    assert aws.versions["v2"] == {"cognito:s2"}


def test_a_stuck_rotation_that_secrets_manager_completes_meanwhile_is_a_rotation(
    aws: Aws, rotator: Rotator
) -> None:
    def refuse(aws: Aws, _event: Mapping[str, Any]) -> None:
        aws.replace_current("v2", "s2")
        raise FunctionFailedError("the replaced client secret s1 is still valid")

    aws.versions["v2"] = {"AWSPENDING"}
    aws.function = refuse
    result = rotator.unstick(CLIENT)
    assert (result.outcome, result.previous, result.current) == (Outcome.ROTATED, "s1", "s2")


def test_a_stuck_rotation_that_something_else_abandons_meanwhile_is_skipped(
    aws: Aws, rotator: Rotator
) -> None:
    def end(aws: Aws, _event: Mapping[str, Any]) -> None:
        aws.versions["v2"].clear()

    aws.versions["v2"] = {"AWSPENDING"}
    aws.function = end
    result = rotator.unstick(CLIENT)
    assert result.outcome is Outcome.SKIPPED
    assert "abandoned by something else" in result.reason


def test_without_a_stuck_rotation_there_is_nothing_to_unstick(aws: Aws, rotator: Rotator) -> None:
    assert rotator.unstick(CLIENT).outcome is Outcome.SKIPPED
    assert aws.events == []


def test_a_disabled_client_is_skipped(aws: Aws, rotator: Rotator) -> None:
    result = rotator.rotate(replace(CLIENT, enabled=False))
    assert result.outcome is Outcome.SKIPPED
    assert "clients.writer.enabled" in result.reason
    assert aws.events == []


def test_a_client_that_is_never_rotated_by_schedule_is_rotated_by_the_function(
    aws: Aws, rotator: Rotator
) -> None:
    def rotate(aws: Aws, event: Mapping[str, Any]) -> None:
        if "rotate" in event:
            aws.replace_current("v2", "s2")

    aws.function = rotate
    result = rotator.rotate(replace(CLIENT, rotation_days=0))
    assert (result.outcome, result.current) == (Outcome.ROTATED, "s2")
    assert aws.events[-1] == {"rotate": ARN}


def test_a_direct_rotation_that_fails_is_reported(aws: Aws, rotator: Rotator) -> None:
    def fail(_aws: Aws, event: Mapping[str, Any]) -> None:
        if "rotate" in event:
            raise FunctionFailedError("no rights")

    aws.function = fail
    result = rotator.rotate(replace(CLIENT, rotation_days=0))
    assert (result.outcome, result.current) == (Outcome.FAILED, None)
    assert result.reason == f"no rights\nWhen the cause is fixed, run: {ROTATE}"


def test_a_revocation_reports_when_the_last_token_ends(aws: Aws, rotator: Rotator) -> None:
    def revoke(aws: Aws, event: Mapping[str, Any]) -> None:
        assert event == {"revoke": ARN}
        aws.now += timedelta(seconds=90)
        aws.known.clear()
        aws.replace_current("v2", "s2")

    aws.function = revoke
    result = rotator.revoke(CLIENT)
    assert (result.outcome, result.previous, result.current) == (Outcome.REVOKED, "s1", "s2")
    # Tokens are issued until the end of the revocation.
    assert result.tokens_end == NOW + timedelta(seconds=90, minutes=60)
    assert result.document()["tokensEnd"] == "2026-03-01T13:01:30+00:00"


def test_a_revocation_that_fails_names_the_command_that_repeats_it(
    aws: Aws, rotator: Rotator
) -> None:
    def fail(_aws: Aws, _event: Mapping[str, Any]) -> None:
        raise FunctionFailedError("Cognito doesn't respond")

    aws.function = fail
    result = rotator.revoke(CLIENT)
    assert result.outcome is Outcome.FAILED
    assert result.reason == f"Cognito doesn't respond\nWhen the cause is fixed, run: {REVOKE}"


def test_the_role_operate_is_allowed_exactly_what_the_commands_do(
    aws: Aws, rotator: Rotator
) -> None:
    def fail(aws: Aws, version: str) -> None:
        aws.log = [json.dumps({"secret": ARN, "versionId": version, "error": "no rights"})]

    def fail_to_complete(_aws: Aws, event: Mapping[str, Any]) -> None:
        if "rotate" in event:
            raise FunctionFailedError("no rights")

    aws.secrets_manager = fail
    aws.function = fail_to_complete
    assert rotator.rotate(CLIENT).outcome is Outcome.FAILED
    assert rotator.unstick(CLIENT).outcome is Outcome.ABANDONED
    assert rotator.revoke(CLIENT).outcome is Outcome.REVOKED
    location = StackLocation(
        names=ResourceNames(prefix="neo4j-mcp", stack="dev"),
        project="neo4j-mcp",
        account="111122223333",
        region="us-east-1",
    )
    statements = json.loads(permissions(Purpose.OPERATE, location, Hosting))["Statement"]
    assert aws.actions == {action for each in statements for action in each["Action"]}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no entry",
        "{broken",
        "{}",
        '["v1"]',
        '{"versionId": "v1"}',
        '{"versionId": "v0", "error": "v1 is older"}',
    ],
)
def test_other_lines_of_the_log_have_no_reason(line: str) -> None:
    assert find_reason(line, "v1") is None


OUTPUTS = {
    "clients": {
        "writer": {
            "clientId": "client1",
            "secretArn": ARN,
            "scopes": ["neo4j-mcp/writer"],
            "enabled": True,
            "tokenValidityMinutes": 60.0,
            "rotationDays": 30.0,
            "overlapHours": 24.0,
        }
    }
}


def test_clients_are_read_from_the_outputs() -> None:
    assert find_clients(OUTPUTS, "dev") == (CLIENT,)
    assert find_clients(OUTPUTS, "dev", "writer") == (CLIENT,)


def test_an_unknown_client_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownClientError, match=r"no client reader\. Its clients are: writer"):
        find_clients(OUTPUTS, "dev", "reader")
