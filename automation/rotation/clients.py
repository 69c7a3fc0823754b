"""The clients of a deployed stack, as its outputs describe them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from automation.errors import AutomationError


class UnknownClientError(AutomationError):
    """The stack has no client with this name."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client with its secret.

    Attributes:
        client_id: the app client's id.
        secret_arn: the secret in Secrets Manager.
        enabled: whether the client can get tokens.
        token_validity: how long its tokens are valid.
        rotation_days: days between two rotations; 0 if only a command rotates the secret.
        overlap: how long a replaced client secret stays valid.
    """

    name: str
    client_id: str
    secret_arn: str
    enabled: bool
    token_validity: timedelta
    rotation_days: int
    overlap: timedelta

    @classmethod
    def from_output(cls, name: str, output: Mapping[str, Any]) -> Self:
        """Read an entry of the output `clients`."""
        return cls(
            name=name,
            client_id=output["clientId"],
            secret_arn=output["secretArn"],
            enabled=output["enabled"],
            token_validity=timedelta(minutes=output["tokenValidityMinutes"]),
            rotation_days=int(output["rotationDays"]),
            overlap=timedelta(hours=output["overlapHours"]),
        )


def find_clients(
    outputs: Mapping[str, Any], stack: str, name: str | None = None
) -> tuple[Client, ...]:
    """Return the client with a name, or all of them.

    Args:
        outputs: the stack's outputs.
        stack: the stack's name.
        name: the client's name; None for all clients.

    Raises:
        UnknownClientError: the stack has no such client.
    """
    clients = {each: Client.from_output(each, found) for each, found in outputs["clients"].items()}
    if name is None:
        return tuple(clients.values())
    if name not in clients:
        raise UnknownClientError(
            f"The stack {stack} has no client {name}. Its clients are: {', '.join(clients)}. A new"
            f" client exists after: python -m automation deploy --stack {stack}"
        )
    return (clients[name],)
