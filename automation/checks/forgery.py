"""Makes tokens that nobody may accept, from one that is good. Pure but for the random key."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_HOUR: Final = 3600


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a forger has: a good token, the published keys, and a key of the forger's own.

    Attributes:
        token: the good token.
        public_key: the published key that verifies it.
        own_key: the forger's own private key.
    """

    token: str
    public_key: rsa.RSAPublicKey
    own_key: rsa.RSAPrivateKey

    @property
    def header(self) -> dict[str, Any]:
        """The good token's header."""
        return dict(jwt.get_unverified_header(self.token))

    @property
    def claims(self) -> dict[str, Any]:
        """The good token's claims."""
        claims: dict[str, Any] = jwt.decode(self.token, options={"verify_signature": False})
        return claims

    def signed(self, claims: Mapping[str, Any], *, key_id: str | None = None) -> str:
        """Sign claims with the forger's own key.

        Args:
            claims: the claims.
            key_id: the key id to name; the good token's where None.

        Returns:
            The token.
        """
        named = self.header["kid"] if key_id is None else key_id
        return jwt.encode(dict(claims), self.own_key, algorithm="RS256", headers={"kid": named})


def own_key() -> rsa.RSAPrivateKey:
    """Make a key that no issuer publishes.

    Returns:
        The key.
    """
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def malformed(_: Material) -> str:
    """A malformed token."""
    return "not.a-token"


def truncated(material: Material) -> str:
    """A token with its end cut off."""
    return material.token[: -len(material.token.rpartition(".")[2]) // 2]


def tampered(material: Material) -> str:
    """A token whose groups were changed after it was signed."""
    header, _, signature = material.token.split(".")
    claims = material.claims | {"groups": ["admin", "writer", "reader"]}
    return f"{header}.{_encoded(claims)}.{signature}"


def wrongly_signed(material: Material) -> str:
    """A token signed with another key than the one it names."""
    return material.signed(material.claims)


def unsigned(material: Material) -> str:
    """A token with the algorithm "none"."""
    header = material.header | {"alg": "none"}
    return f"{_encoded(header)}.{_encoded(material.claims)}."


def signed_with_public_key(material: Material) -> str:
    """A token signed by HMAC with the published key as its secret."""
    header = material.header | {"alg": "HS256"}
    message = f"{_encoded(header)}.{_encoded(material.claims)}"
    secret = material.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    return f"{message}.{_base64(signature)}"


def unknown_key(material: Material) -> str:
    """A token that names a key which nobody publishes."""
    return material.signed(material.claims, key_id="no-such-key")


def foreign_pool(material: Material) -> str:
    """A token of another user pool."""
    issuer, _, pool = material.claims["iss"].rpartition("/")
    foreign = f"{issuer}/{pool.partition('_')[0]}_foreign00"
    return material.signed(material.claims | {"iss": foreign}, key_id="foreign-key")


def not_yet_valid(material: Material) -> str:
    """A token that is not valid yet."""
    later = int(time.time()) + _HOUR
    claims = {"nbf": later, "iat": later, "exp": later + _HOUR}
    return material.signed(material.claims | claims)


def id_token(material: Material) -> str:
    """A token in the style of an ID token."""
    claims = material.claims
    style = {"token_use": "id", "cognito:username": claims["sub"], "email_verified": True}
    kept = {key: value for key, value in claims.items() if key not in {"scope", "client_id"}}
    return material.signed(kept | style)


FORGERIES: Final[Mapping[str, Callable[[Material], str]]] = MappingProxyType(
    {
        "malformed": malformed,
        "truncated": truncated,
        "tampered": tampered,
        "wrongly-signed": wrongly_signed,
        "alg-none": unsigned,
        "hmac-public-key": signed_with_public_key,
        "unknown-key": unknown_key,
        "foreign-pool": foreign_pool,
        "not-yet-valid": not_yet_valid,
        "id-token": id_token,
    }
)
"""Every forgery, by its name; its docstring says what it is."""


def _encoded(document: Mapping[str, Any]) -> str:
    return _base64(json.dumps(document, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
