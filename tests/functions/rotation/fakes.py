"""Secrets Manager, Cognito and its token endpoint in memory, with an interruption at any call.

They keep the rules that rotation depends on. A version without labels vanishes at once, which
Secrets Manager may do; a new client secret is accepted only after a delay, as Cognito documents no
limit for it.
"""

# ruff: noqa: N803  boto3's names of arguments

import itertools
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

POOL = "us-east-1_Example01"
ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:neo4j-mcp-reader-AbCdEf"
Json = dict[str, Any]
_CALL_SECONDS = 0.2


class Killed(BaseException):
    """The invocation ends here, as when Lambda's time is up: nothing catches it."""


def aws_error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": f"{code} by the fake"}}, operation)


def parsed(text: str | None) -> Json | None:
    """Read a version's value; None if it isn't a client's credentials."""
    try:
        value: object = json.loads(text or "")
    except ValueError:
        return None
    return value if isinstance(value, dict) and value.get("clientSecret") else None


@dataclass
class Clock:
    """A time that passes only with calls and while something waits."""

    now: datetime = datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Calls:
    """All calls of the invocations, with an interruption before or after one of them.

    Attributes:
        made: the names of the calls.
        kill_at: the index of the call that an invocation dies at; None for none.
        kill_after: whether it dies after the call rather than before.
        denied_until: until when AWS denies every call.
        hooks: run before the call with an index, as something that happens at the same time.
        watch: runs after every call.
    """

    clock: Clock
    made: list[str] = field(default_factory=list)
    kill_at: int | None = None
    kill_after: bool = False
    denied_until: datetime | None = None
    hooks: dict[int, Callable[[], None]] = field(default_factory=dict)
    watch: Callable[[], None] | None = None

    def restart(self) -> None:
        self.made.clear()
        self.hooks.clear()
        self.kill_at = None

    def around(self, name: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401  any answer
        index = len(self.made)
        self.made.append(name)
        self.clock.sleep(_CALL_SECONDS)
        if hook := self.hooks.pop(index, None):
            hook()
        if index == self.kill_at and not self.kill_after:
            raise Killed(name)
        if name != "token" and self.denied_until and self.clock.now < self.denied_until:
            raise aws_error("AccessDeniedException", name)
        try:
            return call()
        finally:
            if self.watch:
                self.watch()
            if index == self.kill_at and self.kill_after:
                raise Killed(name)


@dataclass
class KnownSecret:
    """A client secret at Cognito."""

    value: str
    created: datetime
    accepted_from: datetime


@dataclass
class AppClient:
    """An app client with its client secrets by id."""

    secrets: dict[str, KnownSecret]
    original: str
    enabled: bool = True


class Cognito:
    """One user pool's app clients.

    Attributes:
        delay: how long the token endpoint takes to accept a new client secret.
        answers: whether the token endpoint answers.
        token_url: where it answers; everywhere by default.
        app_clients: the app clients by id.
    """

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.clock = calls.clock
        self.delay = timedelta(0)
        self.answers = True
        self.token_url: str | None = None
        self.app_clients: dict[str, AppClient] = {}

    def create(self, client_id: str) -> str:
        """Create an app client, and return its original client secret."""
        value = uuid.uuid4().hex
        key = self._new_id(client_id, {})
        known = KnownSecret(value, self._second(), self.clock.now)
        self.app_clients[client_id] = AppClient({key: known}, key)
        return value

    def add_by_hand(self, client_id: str) -> tuple[str, str]:
        """Add a client secret as a person does; return its id and value."""
        value = uuid.uuid4().hex
        return self._add(client_id, value), value

    def values(self, client_id: str) -> set[str]:
        return {each.value for each in self.app_clients[client_id].secrets.values()}

    def issues(self, token_url: str, client_id: str, client_secret: str) -> bool:
        return self.token_url in {None, token_url} and self.accepts(client_id, client_secret)

    def accepts(self, client_id: str, client_secret: str) -> bool:
        app_client = self.app_clients.get(client_id)
        return (
            app_client is not None
            and app_client.enabled
            and any(
                each.value == client_secret and self.clock.now >= each.accepted_from
                for each in app_client.secrets.values()
            )
        )

    def describe_user_pool_client(self, *, UserPoolId: str, ClientId: str) -> Json:
        def answer() -> Json:
            app_client = self._find(UserPoolId, ClientId)
            original = app_client.secrets.get(app_client.original)
            described: Json = {
                "ClientId": ClientId,
                "AllowedOAuthFlowsUserPoolClient": app_client.enabled,
            }
            if app_client.enabled:
                described["AllowedOAuthFlows"] = ["client_credentials"]
            if original:
                described["ClientSecret"] = original.value
            return {"UserPoolClient": described}

        return self._call("describe_user_pool_client", answer)

    def list_user_pool_client_secrets(self, *, UserPoolId: str, ClientId: str) -> Json:
        def answer() -> Json:
            return {
                "ClientSecrets": [
                    {"ClientSecretId": key, "ClientSecretCreateDate": each.created}
                    for key, each in self._find(UserPoolId, ClientId).secrets.items()
                ]
            }

        return self._call("list_user_pool_client_secrets", answer)

    def add_user_pool_client_secret(
        self,
        *,
        UserPoolId: str,
        ClientId: str,
        ClientSecret: str,
    ) -> Json:
        def answer() -> Json:
            self._find(UserPoolId, ClientId)
            return {"ClientSecretDescriptor": {"ClientSecretId": self._add(ClientId, ClientSecret)}}

        return self._call("add_user_pool_client_secret", answer)

    def delete_user_pool_client_secret(
        self,
        *,
        UserPoolId: str,
        ClientId: str,
        ClientSecretId: str,
    ) -> Json:
        operation = "delete_user_pool_client_secret"

        def answer() -> Json:
            secrets = self._find(UserPoolId, ClientId).secrets
            if ClientSecretId not in secrets:
                raise aws_error("ResourceNotFoundException", operation)
            if len(secrets) == 1:
                raise aws_error("InvalidParameterException", operation)
            del secrets[ClientSecretId]
            return {}

        return self._call(operation, answer)

    def _add(self, client_id: str, value: str) -> str:
        secrets = self.app_clients[client_id].secrets
        if len(secrets) == 2:
            raise aws_error("LimitExceededException", "add_user_pool_client_secret")
        key = self._new_id(client_id, secrets)
        secrets[key] = KnownSecret(value, self._second(), self.clock.now + self.delay)
        return key

    def _find(self, pool: str, client_id: str) -> AppClient:
        if pool != POOL or client_id not in self.app_clients:
            raise aws_error("ResourceNotFoundException", "any")
        return self.app_clients[client_id]

    def _second(self) -> datetime:
        return self.clock.now.replace(microsecond=0)

    def _new_id(self, client_id: str, taken: Mapping[str, object]) -> str:
        second = int(self.clock.now.timestamp())
        return next(
            key
            for number in itertools.count(second)
            if (key := f"{client_id}--{number}") not in taken
        )

    def _call(self, name: str, answer: Callable[[], Json]) -> Json:
        result: Json = self.calls.around(name, answer)
        return result


@dataclass
class StoredVersion:
    """A version of the secret; without a value if Secrets Manager has just started a rotation."""

    value: str | None
    stages: set[str]
    created: datetime


class SecretsManager:
    """One secret."""

    def __init__(self, calls: Calls) -> None:
        self.calls = calls
        self.clock = calls.clock
        self.versions: dict[str, StoredVersion] = {}
        self.exists = True

    def holder(self, stage: str) -> str | None:
        return next((key for key, each in self.versions.items() if stage in each.stages), None)

    def value(self, stage: str) -> Json | None:
        """Return the value of the version with a label; None if callers can't use it."""
        holder = self.holder(stage)
        return parsed(self.versions[holder].value) if holder else None

    def write_by_hand(self, text: str, stages: set[str]) -> str:
        """Create a version as someone else does, such as an earlier version of the program."""
        version_id = str(uuid.uuid4())
        self._put(version_id, text, stages)
        return version_id

    def start_rotation(self) -> str:
        """Start a rotation as Secrets Manager does: with an empty version that is AWSPENDING."""
        holder = self.holder("AWSPENDING")
        assert holder is None, "AWSPENDING is left: RotateSecret refuses"
        version_id = str(uuid.uuid4())
        self.versions[version_id] = StoredVersion(None, {"AWSPENDING"}, self.clock.now)
        return version_id

    def move_by_hand(self, stage: str, version_id: str) -> None:
        self._attach(stage, version_id)
        self._collect()

    def list_secret_version_ids(self, *, SecretId: str, NextToken: str = "0") -> Json:
        operation = "list_secret_version_ids"

        def answer() -> Json:
            self._require(SecretId, operation)
            listed = [
                {
                    "VersionId": key,
                    "VersionStages": sorted(each.stages),
                    "CreatedDate": each.created,
                }
                for key, each in self.versions.items()
            ]
            # Two on a page, so that the pages matter.
            start = int(NextToken)
            more = {"NextToken": str(start + 2)} if start + 2 < len(listed) else {}
            return {"Versions": listed[start : start + 2], **more}

        return self._call(operation, answer)

    def get_secret_value(self, *, SecretId: str, VersionId: str) -> Json:
        operation = "get_secret_value"

        def answer() -> Json:
            self._require(SecretId, operation)
            version = self.versions.get(VersionId)
            if version is None or version.value is None:
                raise aws_error("ResourceNotFoundException", operation)
            return {"SecretString": version.value}

        return self._call(operation, answer)

    def put_secret_value(
        self,
        *,
        SecretId: str,
        ClientRequestToken: str,
        SecretString: str,
        VersionStages: list[str],
    ) -> Json:
        operation = "put_secret_value"

        def answer() -> Json:
            self._require(SecretId, operation)
            existing = self.versions.get(ClientRequestToken)
            if existing is not None and existing.value is not None:
                if existing.value != SecretString:
                    raise aws_error("ResourceExistsException", operation)
                return {}
            self._put(ClientRequestToken, SecretString, set(VersionStages))
            return {}

        return self._call(operation, answer)

    def update_secret_version_stage(
        self,
        *,
        SecretId: str,
        VersionStage: str,
        RemoveFromVersionId: str | None = None,
        MoveToVersionId: str | None = None,
    ) -> Json:
        operation = "update_secret_version_stage"

        def answer() -> Json:
            self._require(SecretId, operation)
            holder = self.holder(VersionStage)
            if holder != RemoveFromVersionId and not (
                RemoveFromVersionId is None and holder == MoveToVersionId
            ):
                raise aws_error("InvalidParameterException", operation)
            if MoveToVersionId is not None:
                if MoveToVersionId not in self.versions:
                    raise aws_error("ResourceNotFoundException", operation)
                self._attach(VersionStage, MoveToVersionId)
                self._collect()
            elif holder is None or VersionStage == "AWSCURRENT":
                raise aws_error("InvalidParameterException", operation)
            else:
                self.versions[holder].stages.discard(VersionStage)
                self._collect()
            return {}

        return self._call(operation, answer)

    def _put(self, version_id: str, text: str, stages: set[str]) -> None:
        first = all(each.value is None for each in self.versions.values())
        empty = self.versions.get(version_id)
        labels = empty.stages if empty else set()
        self.versions[version_id] = StoredVersion(text, labels, self.clock.now)
        for stage in sorted(stages | ({"AWSCURRENT"} if first else set())):
            self._attach(stage, version_id)
        self._collect()

    def _attach(self, stage: str, to: str) -> None:
        holder = self.holder(stage)
        if holder is not None and holder != to:
            self.versions[holder].stages.discard(stage)
            if stage == "AWSCURRENT":
                self._attach("AWSPREVIOUS", holder)
        self.versions[to].stages.add(stage)
        assert len(self.versions[to].stages) <= 20

    def _collect(self) -> None:
        self.versions = {key: each for key, each in self.versions.items() if each.stages}

    def _require(self, arn: str, operation: str) -> None:
        if arn != ARN or not self.exists:
            raise aws_error("ResourceNotFoundException", operation)

    def _call(self, name: str, answer: Callable[[], Json]) -> Json:
        result: Json = self.calls.around(name, answer)
        return result
