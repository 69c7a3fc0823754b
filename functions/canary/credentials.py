"""The canary's own client: what its secret in Secrets Manager contains."""

import json
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urlsplit

_WEB: Final = frozenset({"http", "https"})


class CanaryError(Exception):
    """The canary itself can't work, so nothing is known about the service."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """What the canary needs to call the server.

    Attributes:
        client_id: the app client's id.
        client_secret: the client secret.
        token_url: the token endpoint.
        mcp_url: the server's address.
        scopes: full scope names.
    """

    client_id: str
    client_secret: str = field(repr=False)
    token_url: str
    mcp_url: str
    scopes: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the value of the secret.

        Raises:
            CanaryError: it isn't a client's credentials.
        """
        try:
            value = json.loads(text)
            return cls(
                client_id=_text(value["clientId"]),
                client_secret=_text(value["clientSecret"]),
                token_url=_url(value["tokenUrl"]),
                mcp_url=_url(value["mcpUrl"]),
                scopes=tuple(map(_text, value["scopes"])),
            )
        except (ValueError, KeyError, TypeError):
            # These would show the value.
            pass
        raise CanaryError(
            "the secret's value isn't a client's credentials: it was changed by hand. Deploy the"
            " stack"
        )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _url(value: object) -> str:
    url = _text(value)
    # Not a file, for example, which urllib would open too.
    if urlsplit(url).scheme not in _WEB or not urlsplit(url).hostname:
        raise ValueError
    return url
