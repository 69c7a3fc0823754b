"""Forges tokens from a valid one. Every forgery must be rejected."""

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

from automation.checks.context import read_claims

_HOUR: Final = 3600


@dataclass(frozen=True, kw_only=True)
class Material:
    """What an attacker has to work with.

    Attributes:
        token: a valid token.
        public_key: the published key that verifies it.
        attacker_key: a private key that no issuer publishes.
    """

    token: str
    public_key: rsa.RSAPublicKey
    attacker_key: rsa.RSAPrivateKey

    @property
    def header(self) -> dict[str, Any]:
        """The valid token's header."""
        return dict(jwt.get_unverified_header(self.token))

    @property
    def claims(self) -> dict[str, Any]:
        """The valid token's claims."""
        return read_claims(self.token)

    def signed(self, claims: Mapping[str, Any], *, key_id: str | None = None) -> str:
        """Sign claims with the attacker's key.

        Args:
            claims: the claims.
            key_id: the token's `kid`; None for that of the valid token.
        """
        kid = self.header["kid"] if key_id is None else key_id
        return jwt.encode(dict(claims), self.attacker_key, algorithm="RS256", headers={"kid": kid})


def generate_key() -> rsa.RSAPrivateKey:
    """Generate a key that no issuer publishes."""
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
    return f"{header}.{_encode(claims)}.{signature}"


def wrongly_signed(material: Material) -> str:
    """A token signed with a different key than its key id says."""
    return material.signed(material.claims)


def unsigned(material: Material) -> str:
    """A token with the algorithm "none"."""
    header = material.header | {"alg": "none"}
    return f"{_encode(header)}.{_encode(material.claims)}."


def signed_with_public_key(material: Material) -> str:
    """A token signed with HMAC and the published key as its secret."""
    header = material.header | {"alg": "HS256"}
    message = f"{_encode(header)}.{_encode(material.claims)}"
    secret = material.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    return f"{message}.{_base64(signature)}"


def unknown_key(material: Material) -> str:
    """A token with an unknown key id."""
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
    """An ID token instead of an access token."""
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
"""Every forgery by name; its docstring describes the forged token in reports."""


def _encode(document: Mapping[str, Any]) -> str:
    return _base64(json.dumps(document, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
