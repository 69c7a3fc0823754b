"""One client with its secret, and what has to be true of it at every moment."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from functions.rotation.credentials import Credentials, RotationError
from functions.rotation.handler import dispatch
from functions.rotation.services import Services
from functions.rotation.token_endpoint import Refusal
from tests.functions.rotation.fakes import (
    ARN,
    POOL,
    Calls,
    Clock,
    Cognito,
    Json,
    SecretsManager,
    parsed,
)

CLIENT = "1example23456789"
OVERLAP = timedelta(hours=24)
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
ADDRESSES: Json = {
    "clientId": CLIENT,
    "tokenUrl": "https://token.example/oauth2/token",
    "mcpUrl": "https://mcp.example/mcp",
    "scopes": ["neo4j-mcp/reader"],
}


@dataclass
class Replaced:
    """A client secret that callers may still use until its overlap ends."""

    client_id: str
    client_secret: str
    until: datetime


@dataclass
class World:
    """One client in one user pool.

    Attributes:
        watched: whether callers are reading the secret, so that it must work after each call.
        revoking: whether replaced client secrets may end at once.
        shown: everything that an invocation returned or raised.
        values: every client secret that ever was.
    """

    clock: Clock = field(default_factory=Clock)
    watched: bool = False
    revoking: bool = False
    shown: list[str] = field(default_factory=list)
    values: set[str] = field(default_factory=set)
    addresses: Json = field(default_factory=lambda: dict(ADDRESSES))

    def __post_init__(self) -> None:
        self.calls = Calls(self.clock)
        self.calls.watch = self._watch
        self.cognito = Cognito(self.calls)
        self.manager = SecretsManager(self.calls)
        self._replaced: list[Replaced] = []
        self._last: tuple[str, str] | None = None
        self.cognito.create(CLIENT)
        self.clock.sleep(3)

    @property
    def services(self) -> Services:
        def refusal(value: Credentials) -> Refusal | None:
            def ask() -> Refusal | None:
                if not self.cognito.answers:
                    return Refusal("ConnectionRefusedError", answered=False)
                accepted = self.cognito.issues(
                    value.addresses.token_url, value.client_id, value.client_secret
                )
                return None if accepted else Refusal("HTTP 400 invalid_client", answered=True)

            answer: Refusal | None = self.calls.around("token", ask)
            return answer

        return Services(
            secrets_manager=self.manager,
            cognito=self.cognito,
            user_pool_id=POOL,
            now=lambda: self.clock.now,
            sleep=self.clock.sleep,
            refusal=refusal,
        )

    def invoke(self, event: Json) -> Json:
        try:
            result = dispatch(event, self.services)
        except Exception as error:
            self.shown.extend((repr(error), *traceback.format_exception(error)))
            raise
        self.shown.append(repr(result))
        return result

    def publish(self, **changes: Any) -> Json:  # noqa: ANN401  any JSON
        self.addresses |= changes
        result = self.invoke({"publish": ARN, **self.addresses})
        self.watched = True
        return result

    def step(self, step: str, token: str) -> Json:
        return self.invoke({"Step": step, "SecretId": ARN, "ClientRequestToken": token})

    def steps(self, token: str) -> None:
        for each in STEPS:
            self.step(each, token)

    def rotate(self) -> str:
        """Rotate as Secrets Manager does, and return the version's id."""
        token = self.manager.start_rotation()
        self.steps(token)
        return token

    def rotate_by_event(self) -> Json:
        return self.invoke({"rotate": ARN})

    def complete(self, version_id: str) -> Json:
        """Complete a version's rotation, as ``rotate --unstick`` does."""
        return self.invoke({"rotate": ARN, "versionId": version_id})

    def revoke(self) -> Json:
        self.revoking = True
        return self.invoke({"revoke": ARN})

    def retire(self) -> Json:
        return self.invoke({"retire": [{"secret": ARN, "overlapHours": 24}]})

    def wait(self, time: timedelta) -> None:
        """Let time pass, with a retirement now and then."""
        for _ in range(3):
            self.clock.now += time / 3
            if self.manager.versions:
                self._retire_on_schedule()

    def end_overlap(self) -> None:
        """Let the overlap and the next retirement pass."""
        self.wait(OVERLAP + timedelta(hours=1))

    @property
    def stuck(self) -> bool:
        """Whether a rotation or a publication was left incomplete for a day."""
        pending = self.manager.holder("AWSPENDING")
        if pending == self.manager.holder("AWSCURRENT"):
            pending = None
        left = (pending, self.manager.holder("PUBLISHING"))
        began = [self.manager.versions[each].created for each in left if each is not None]
        return any(self.clock.now - each >= timedelta(days=1) for each in began)

    @property
    def current(self) -> Json:
        value = self.manager.value("AWSCURRENT")
        assert value is not None
        return value

    @property
    def known(self) -> set[str]:
        """The values of the app client's client secrets."""
        return self.cognito.values(self.current["clientId"])

    def require_settled(self) -> None:
        """Require what has to be true when nothing is under way."""
        versions = self.manager.versions.values()
        value, holder = self.current, self.manager.holder("AWSCURRENT")
        assert holder is not None
        self._require_accepted(value["clientId"], value["clientSecret"], "the current one")
        labels = [each for each in self.manager.versions[holder].stages if ":" in each]
        (named,) = [each for each in labels if each.startswith("cognito:")]
        secrets = self.cognito.app_clients[value["clientId"]].secrets
        assert secrets[named.removeprefix("cognito:")].value == value["clientSecret"]
        assert sum(each.startswith("since:") for each in labels) == 1
        assert not any({"AWSPENDING", "PUBLISHING"} & each.stages for each in versions)
        readable = {
            found["clientSecret"] for each in versions if (found := parsed(each.value)) is not None
        }
        app_client = self.cognito.app_clients[value["clientId"]]
        if original := app_client.secrets.get(app_client.original):
            # Cognito shows this one.
            readable.add(original.value)
        assert self.known <= readable, "a client secret whose value nobody knows"
        assert {name: value[name] for name in self.addresses} == self.addresses

    def require_one_client_secret(self) -> None:
        """Require that everything but the current client secret has gone."""
        self.require_settled()
        assert self.known == {self.current["clientSecret"]}
        labels = set().union(*(each.stages for each in self.manager.versions.values()))
        assert sum(each.startswith("cognito:") for each in labels) == 1
        assert sum(each.startswith("since:") for each in labels) == 1

    def _retire_on_schedule(self) -> None:
        """Retire, and require that it fails if and only if something is stuck."""
        if not self.stuck:
            self.retire()
            return
        with pytest.raises(RotationError):
            self.retire()

    def _watch(self) -> None:
        self.values |= {
            each.value
            for app_client in self.cognito.app_clients.values()
            for each in app_client.secrets.values()
        }
        value = self.manager.value("AWSCURRENT")
        if not self.watched or value is None:
            return
        now = (value["clientId"], value["clientSecret"])
        self._require_accepted(*now, "the current one")
        if self._last is not None and self._last != now and self._last[0] == now[0]:
            self._replaced.append(Replaced(*self._last, self.clock.now + OVERLAP))
        self._last = now
        for each in self._replaced:
            back = (each.client_id, each.client_secret) == now
            # A label has whole seconds.
            ended = self.clock.now >= each.until - timedelta(seconds=1)
            if not back and not ended and not self.revoking:
                self._require_accepted(each.client_id, each.client_secret, "a replaced one")

    def _require_accepted(self, client_id: str, client_secret: str, which: str) -> None:
        app_client = self.cognito.app_clients.get(client_id)
        if app_client is None or not app_client.enabled:
            return
        assert self.cognito.accepts(client_id, client_secret), f"{which} gets no token"


Work = Callable[[World], None]
