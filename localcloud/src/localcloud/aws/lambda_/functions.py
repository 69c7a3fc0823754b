"""Invokes functions, and reads their policies, through the endpoint itself."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol

from localcloud.aws.account import Account
from localcloud.aws.iam import rules as iam

URL_ACTION: Final = "lambda:InvokeFunctionUrl"
_ACTION: Final = "lambda:InvokeFunction"
_CONTEXT: Final = {
    "lambda:FunctionUrlAuthType": "NONE",
    "lambda:InvokedViaFunctionUrl": "true",
}


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What became of an invocation.

    Attributes:
        status: the status of the Invoke operation; 429 if no more of the function may run.
        failed: whether the function raised an error or ran into its time limit.
        payload: its result, or the error.
    """

    status: int
    failed: bool
    payload: bytes = field(repr=False)

    @property
    def is_throttled(self) -> bool:
        """Whether no more of the function may run."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS


class Functions(Protocol):
    """The account's functions."""

    async def invoke(self, function: str, payload: bytes) -> Invocation:
        """Invoke a function, and wait for its end."""
        ...

    async def is_public(self, function: str) -> bool:
        """Return whether everyone may invoke a function by its URL."""
        ...


class AccountFunctions:
    """The functions of an account."""

    def __init__(self, account: Account) -> None:
        """Use an account's clients."""
        self._account = account

    async def invoke(self, function: str, payload: bytes) -> Invocation:
        """Invoke a function, and wait for its end."""
        status, error, result = await self._account.invoke(function, payload)
        return Invocation(status=status, failed=error, payload=result)

    async def is_public(self, function: str) -> bool:
        """Return whether everyone may invoke a function by its URL."""
        return allows_public_url(await self._account.function_policy(function))


def allows_public_url(policy: str | None) -> bool:
    """Return whether a function's policy, as JSON, lets everyone invoke it by its URL.

    Since October 2025 both actions are needed. Source: "Control access to Lambda function URLs" in
    the AWS Lambda Developer Guide.
    """
    document: iam.Document = json.loads(policy) if policy else {}
    return all(iam.allows_everyone(document, action, _CONTEXT) for action in (URL_ACTION, _ACTION))
