"""An OIDC provider for the tests: its own keys, discovery document and key set."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

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
    """A provider on the loopback interface."""

    def __init__(self) -> None:
        self.key = SigningKey("key-1")
        self.keys = [self.key]
        self.requests: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests.append(self.path)
                body = json.dumps(issuer.document(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep the tests' output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """The provider's base URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

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

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
