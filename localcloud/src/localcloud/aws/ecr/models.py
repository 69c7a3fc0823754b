"""The account's image registry: its addresses on AWS and on this machine, and its logins."""

import base64
import copy
import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

_USER = "AWS"
_ALGORITHM = "HS256"
# Source: ECR API reference, GetAuthorizationToken.
_LIFETIME = dt.timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class Registry:
    """The addresses of the account's registry, and its logins.

    A password is a signed token with its own expiry, so none has to be stored.

    Attributes:
        aws_host: the registry's host name on AWS.
        local_host: host and port where Docker on this machine reaches it.
        lifetime: how long a login is valid.
    """

    aws_host: str
    local_host: str
    lifetime: dt.timedelta = _LIFETIME
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def issue_login(self) -> dict[str, str]:
        """Issue a login, in the form of the Docker Engine API."""
        return {"username": _USER, "password": self._issue_password()}

    def to_aws(self, image: str) -> str:
        """Return an image's name under amazonaws.com; names of other registries are unchanged."""
        return _replace_host(image, self.local_host, self.aws_host)

    def to_local(self, image: str) -> str:
        """Return an image's name under localhost; names of other registries are unchanged."""
        return _replace_host(image, self.aws_host, self.local_host)

    def localize(self, response: Mapping[str, Any]) -> dict[str, Any]:
        """Return a response of the ECR API with this machine's addresses and a login of ours."""
        local = copy.deepcopy(dict(response))
        for repository in _repositories(local):
            repository["repositoryUri"] = self.to_local(repository["repositoryUri"])
        for authorization in local.get("authorizationData", []):
            login = f"{_USER}:{self._issue_password()}"
            authorization["authorizationToken"] = base64.b64encode(login.encode()).decode()
            expires = dt.datetime.now(dt.UTC) + self.lifetime
            authorization["expiresAt"] = round(expires.timestamp(), 3)
            authorization["proxyEndpoint"] = f"http://{self.local_host}"
        if "downloadUrl" in local:
            path = local["downloadUrl"].removeprefix(f"https://{self.aws_host}")
            local["downloadUrl"] = f"http://{self.local_host}{path}"
        return local

    def accepts(self, authorization: str) -> bool:
        """Decide whether an Authorization header carries a login that is valid now."""
        scheme, _, encoded = authorization.partition(" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
            jwt.decode(
                password, self._secret, algorithms=[_ALGORITHM], options={"require": ["exp"]}
            )
        except (ValueError, jwt.InvalidTokenError):
            return False
        return scheme.lower() == "basic" and user == _USER

    def _issue_password(self) -> str:
        expires = dt.datetime.now(dt.UTC) + self.lifetime
        return jwt.encode({"exp": expires}, self._secret, algorithm=_ALGORITHM)


def _replace_host(image: str, old: str, new: str) -> str:
    host, slash, rest = image.partition("/")
    return f"{new}{slash}{rest}" if host == old else image


def _repositories(response: Mapping[str, Any]) -> list[dict[str, Any]]:
    single = [response["repository"]] if "repository" in response else []
    return [*single, *response.get("repositories", [])]


def repository_and_reference(image: str) -> tuple[str, str]:
    """Split an ECR image's name into its repository, and its tag or digest."""
    path = image.partition("/")[2]
    repository, at, digest = path.partition("@")
    if at:
        return repository, digest
    repository, _, tag = path.partition(":")
    return repository, tag or "latest"
