"""Where a probe works: clients, names for resources, and the removal of these at the end."""

import io
import json
import secrets
import ssl
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

import httpx2
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ClientError

from automation.errors import AutomationError
from automation.probes.kinds import FUNCTION, LOG_GROUP, PREFIX, ROLE, TAG, Kind, Sleep
from automation.probes.needs import NOT_DEPLOYED, DeployedStack
from automation.probes.observations import ACCEPTED, Unanswered
from automation.probes.placeholders import Placeholders
from automation.sessions import Clients

_POLL_SECONDS: Final = 0.25
_T = TypeVar("_T")
_ROLE_UNKNOWN: Final = "InvalidParameterValueException"
"""Lambda's code for a role that IAM hasn't made known everywhere yet."""
_ROLE_SECONDS: Final = 60.0


class NotObservedError(AutomationError):
    """What a probe waited for didn't happen in time."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the probes of a run share.

    Attributes:
        clients: makes the boto3 client of a service, without validation on this side: the service
            has to refuse what is invalid.
        region: the AWS region.
        token_base: returns the base URL of a user pool's domain, by its prefix.
        http: calls token endpoints and function URLs.
        tls: for other connections to them.
        credentials: of the clients, for requests that are signed in another way.
        stack: the deployed stack; None if there is none.
        propagation: how many seconds a changed permission may take until it has an effect.
        sleep: waits a number of seconds.
        clock: a monotonic time in seconds.
        random: returns a number of random hexadecimal digits.
    """

    clients: Clients
    region: str
    token_base: Callable[[str], str]
    http: httpx2.Client
    tls: ssl.SSLContext
    credentials: Credentials | ReadOnlyCredentials = field(repr=False)
    stack: DeployedStack | None = None
    propagation: float = 15.0
    sleep: Sleep = time.sleep
    clock: Callable[[], float] = time.monotonic
    random: Callable[[int], str] = lambda digits: secrets.token_hex(digits // 2)


@dataclass(kw_only=True)
class Sandbox:
    """Where one probe works.

    Attributes:
        around: what all probes share.
        cleanup: removes what the probe has created.
        name: the name of its resources, which no other run has.
        messages: what AWS said.
        placeholders: for the recording.
    """

    around: Surroundings
    cleanup: ExitStack
    name: str = ""
    messages: list[str] = field(default_factory=list)
    placeholders: Placeholders = field(default_factory=Placeholders)
    remaining: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Choose the name."""
        self.name = f"{PREFIX}{self.around.random(8)}"
        self.placeholders.learn("name", [self.name])

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's
        """Return the boto3 client of a service."""
        return self.around.clients(service)

    @cached_property
    def account(self) -> str:
        """The account's id."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def tags(self) -> list[dict[str, str]]:
        """The tag of a probe's resources, as most services take it."""
        return [{"Key": TAG[0], "Value": TAG[1]}]

    @property
    def stack(self) -> DeployedStack:
        """The deployed stack.

        Raises:
            Unanswered: there is none.
        """
        if self.around.stack is None:
            raise Unanswered(NOT_DEPLOYED)
        return self.around.stack

    def owns(self, kind: Kind, resource: str) -> None:
        """Remove a resource when the probe ends; call it before the creation, if its id is known.

        Args:
            resource: its id.
        """

        def remove() -> None:
            try:
                kind.remove(self.client(kind.service), resource, self.around.sleep)
            except ClientError as error:
                # The others have to be removed nevertheless.
                self.remaining[f"{kind.title} {resource}"] = str(error)

        self.cleanup.callback(remove)

    def outcome(
        self,
        call: Callable[..., object],
        /,
        *arguments: Any,  # noqa: ANN401 - the call's
        **parameters: Any,  # noqa: ANN401 - the call's
    ) -> str:
        """Make a call, and return `accepted` or the error's code; its message is recorded."""
        try:
            call(*arguments, **parameters)
        except ClientError as error:
            self.messages.append(error.response["Error"].get("Message", ""))
            return str(error.response["Error"]["Code"])
        return ACCEPTED

    def until(self, find: Callable[[], _T], seconds: float, what: str) -> _T:
        """Call a function until it returns something true, and return that.

        Args:
            seconds: how long to try.
            what: what is waited for, for the message.

        Raises:
            NotObservedError: it didn't happen in time.
        """
        end = self.around.clock() + seconds
        while not (found := find()):
            if self.around.clock() > end:
                raise NotObservedError(f"{what} wasn't observed within {seconds:g} s")
            self.around.sleep(_POLL_SECONDS)
        return found

    def role(self, service: str, *statements: Mapping[str, object]) -> str:
        """Create a role that a service may assume, and return its ARN.

        Args:
            service: the service's principal.
            statements: what the role may do.
        """
        iam = self.client("iam")
        self.owns(ROLE, self.name)
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        created = iam.create_role(
            RoleName=self.name, AssumeRolePolicyDocument=policy(trust), Tags=self.tags
        )
        if statements:
            iam.put_role_policy(
                RoleName=self.name, PolicyName="probe", PolicyDocument=policy(*statements)
            )
        return str(created["Role"]["Arn"])

    def function(self, code: str, *statements: Mapping[str, object]) -> str:
        """Create a Lambda function, and return its ARN once it is active.

        Args:
            code: a Python module that defines `handler`.
            statements: what its role may do.
        """
        role = self.role("lambda.amazonaws.com", *statements)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            # Lambda needs the file to be readable by everybody.
            entry = zipfile.ZipInfo("index.py")
            entry.external_attr = 0o644 << 16
            file.writestr(entry, code)
        client = self.client("lambda")
        self.owns(LOG_GROUP, f"/aws/lambda/{self.name}")
        self.owns(FUNCTION, self.name)

        def create() -> Any:  # noqa: ANN401 - boto3's
            try:
                return client.create_function(
                    FunctionName=self.name,
                    Runtime="python3.13",
                    Role=role,
                    Handler="index.handler",
                    Code={"ZipFile": archive.getvalue()},
                    Timeout=20,
                    Tags=dict([TAG]),
                )
            except ClientError as error:
                # A new role is known to Lambda after some seconds.
                if error.response["Error"]["Code"] != _ROLE_UNKNOWN:
                    raise
                return None

        arn = str(self.until(create, _ROLE_SECONDS, "a role that Lambda can assume")["FunctionArn"])
        self.settle_function()
        return arn

    def settle_function(self) -> None:
        """Wait until the function is active and no update is in progress."""

        def settled() -> bool:
            found = self.client("lambda").get_function_configuration(FunctionName=self.name)
            return (found.get("State"), found.get("LastUpdateStatus")) == ("Active", "Successful")

        self.until(settled, _ROLE_SECONDS, "an active function")


def policy(*statements: Mapping[str, object]) -> str:
    """Return a policy document with some statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
