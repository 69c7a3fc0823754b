"""The value of a client's secret: the credentials that callers read from Secrets Manager."""

import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

# Cognito accepts 24 to 64 of [\w+]+.
_LENGTH: Final = 64
_ALPHABET: Final = string.ascii_letters + string.digits


class RotationError(Exception):
    """The secrets are in a state that needs a person; the message names it and the way out."""


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """What the deployment knows about a client: everything except the client secret.

    Attributes:
        client_id: the app client's id.
        token_url: the token endpoint.
        mcp_url: the server's address.
        scopes: full scope names.
    """

    client_id: str
    token_url: str
    mcp_url: str
    scopes: tuple[str, ...]

    @classmethod
    def parse(cls, event: Mapping[str, Any]) -> Self:
        """Read the addresses in a publication's event.

        Raises:
            RotationError: one is missing.
        """
        try:
            return cls(
                client_id=event["clientId"],
                token_url=event["tokenUrl"],
                mcp_url=event["mcpUrl"],
                scopes=tuple(event["scopes"]),
            )
        except (KeyError, TypeError) as error:
            raise RotationError(f"the event has no valid {error}") from None


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What a caller needs.

    Attributes:
        addresses: everything except the client secret.
        client_secret: the client secret.
    """

    addresses: Addresses
    client_secret: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the value of a version.

        Raises:
            RotationError: it isn't a client's credentials.
        """
        try:
            value = json.loads(text)
            client_secret = value["clientSecret"]
            if isinstance(client_secret, str) and client_secret:
                return cls(addresses=Addresses.parse(value), client_secret=client_secret)
        except (ValueError, KeyError, TypeError, RotationError):
            # These would show the value.
            pass
        raise RotationError(
            "the secret's value isn't a client's credentials: it was changed by hand, or written"
            " by an earlier version of the program. Deploy the stack"
        )

    def dump(self) -> str:
        """Write the value that callers read."""
        return json.dumps(
            {
                "clientId": self.client_id,
                "clientSecret": self.client_secret,
                "tokenUrl": self.addresses.token_url,
                "scopes": list(self.addresses.scopes),
                "mcpUrl": self.addresses.mcp_url,
            }
        )

    @property
    def client_id(self) -> str:
        """The app client's id."""
        return self.addresses.client_id


def generate_client_secret() -> str:
    """Generate a client secret: 64 letters and digits, some 380 bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
