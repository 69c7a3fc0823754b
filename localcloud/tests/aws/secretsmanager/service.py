"""Secrets Manager without HTTP, with a clock and functions that the tests control."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.aws.context import ServiceContext
from localcloud.aws.functions import Source
from localcloud.aws.secretsmanager.models import Secrets
from localcloud.aws.secretsmanager.operations import SecretsManager
from localcloud.aws.secretsmanager.rotation import Retries, Rotations

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:rotate"
START = dt.datetime(2026, 11, 27, 10, 30, tzinfo=dt.UTC)
_TIME_LIMIT = 10

Step = Callable[[Mapping[str, Any]], Awaitable[str | None]]


@dataclass
class Clock:
    """A clock that moves only when a test moves it."""

    now: float = START.timestamp()

    def __call__(self) -> float:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += dt.timedelta(**duration).total_seconds()


@dataclass
class FakeFunctions:
    """Functions that run a callback of the test."""

    do: Step
    allowed: bool = True
    events: list[Mapping[str, Any]] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    async def lets(self, function: str, source: Source) -> bool:
        assert function == FUNCTION
        self.sources.append(source)
        return self.allowed

    async def invoke(self, function: str, event: Mapping[str, Any], source: Source) -> str | None:
        assert await self.lets(function, source)
        self.events.append(event)
        return await self.do(event)

    @property
    def steps(self) -> list[str]:
        return [event["Step"] for event in self.events]


class Service:
    """The service, its clock and its functions."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.functions = FakeFunctions(self.rotate)
        self.fails: set[str] = set()
        self.pauses: list[float] = []
        secrets = Secrets()
        self.rotations = Rotations(
            secrets,
            self.functions,
            clock=self.clock,
            retries=Retries(attempts=3, pause=7),
            sleep=self._pause,
        )
        self.api = SecretsManager(
            secrets,
            self.rotations,
            self.functions,
            ServiceContext(region="us-east-1", account_id="000000000000", clock=self.clock),
        )

    async def call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        return await self.api.call(operation, parameters)

    async def create(self, name: str = "s", value: str | None = "first") -> str:
        """Create a secret and return its ARN."""
        token = {"ClientRequestToken": str(uuid.uuid4())}
        content = {} if value is None else {"SecretString": value}
        created = await self.call("CreateSecret", Name=name, **content, **token)
        return str(created["ARN"])

    async def start(self, arn: str, **parameters: Any) -> str:  # noqa: ANN401 - any JSON
        """Start a rotation every two days, and return its token."""
        token = str(uuid.uuid4())
        await self.call(
            "RotateSecret",
            **{
                "SecretId": arn,
                "ClientRequestToken": token,
                "RotationLambdaARN": FUNCTION,
                "RotationRules": {"AutomaticallyAfterDays": 2},
                **parameters,
            },
        )
        return token

    async def settle(self) -> None:
        """Wait until no rotation is running."""
        async with asyncio.timeout(_TIME_LIMIT):
            await self.rotations.finished()

    async def stages(self, arn: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = (await self.call("DescribeSecret", SecretId=arn))[
            "VersionIdsToStages"
        ]
        return found

    async def current(self, arn: str) -> str:
        return str((await self.call("GetSecretValue", SecretId=arn))["SecretString"])

    async def rotate(self, event: Mapping[str, Any]) -> str | None:
        """Do a step as a rotation function does, unless a test lets it fail."""
        step, arn, token = event["Step"], event["SecretId"], event["ClientRequestToken"]
        assert "AWSPENDING" in (await self.stages(arn))[token]
        if step in self.fails:
            return f"{step} failed"
        if step == "createSecret":
            await self.call(
                "PutSecretValue",
                SecretId=arn,
                ClientRequestToken=token,
                SecretString=f"made for {token}",
                VersionStages=["AWSPENDING"],
            )
        if step == "finishSecret":
            stages = await self.stages(arn)
            [current] = [key for key in stages if "AWSCURRENT" in stages[key]]
            await self.call(
                "UpdateSecretVersionStage",
                SecretId=arn,
                VersionStage="AWSCURRENT",
                MoveToVersionId=token,
                RemoveFromVersionId=current,
            )
        return None

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
