"""An OIDC provider for the tests: its own keys, discovery document and key set."""

import json
import re
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

HOST = "127.0.0.1"

ISSUER = "https://issuer.example"
AUDIENCE = "client-1"


class SigningKey:
    """An RSA key with its key id."""

    def __init__(self, key_id: str) -> None:
        self.key_id = key_id
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key as in the key set."""
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.key_id, "use": "sig", "alg": "RS256"}


def claims(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - claims are anything
    """Return the claims of a valid token; a change to None removes a claim."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "client-1",
        "iat": now,
        "exp": now + 600,
        "groups": ["reader"],
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


class Issuer:
    """A provider on an HTTP server of the loopback interface."""

    def __init__(self, server: HTTPServer) -> None:
        self.key = SigningKey("key-1")
        self.keys = [self.key]
        self._server = server
        server.expect_request(re.compile("/.*")).respond_with_handler(self._respond)

    @property
    def url(self) -> str:
        """The provider's base URL."""
        return self._server.url_for("")

    @property
    def discovery_uri(self) -> str:
        """The URL of the discovery document."""
        return f"{self.url}/.well-known/openid-configuration"

    def document(self, path: str) -> dict[str, Any]:
        """The document at a path."""
        if path == "/jwks":
            return {"keys": [key.jwk for key in self.keys]}
        return {"issuer": ISSUER, "jwks_uri": f"{self.url}/jwks"}

    def token(self, *groups: str, **changes: Any) -> str:  # noqa: ANN401 - claims are anything
        """Sign a valid token, with changes to its claims."""
        changed = {"groups": list(groups), **changes} if groups else changes
        return jwt.encode(
            claims(**changed), self.key.private, "RS256", headers={"kid": self.key.key_id}
        )

    def _respond(self, request: Request) -> Response:
        return Response(json.dumps(self.document(request.path)))
