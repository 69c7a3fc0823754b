"""Profiles: the addresses and credentials that `neo4j-mcp login` saves for later commands.

A profile holds addresses and the ARN of the client's secret, and the secret itself only if it was
passed to `login`. Only its owner can read the file.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from platformdirs import user_cache_path, user_config_path

from neo4j_mcp_client import private_files
from neo4j_mcp_client.credentials import ClientCredentials, CredentialsSource, FixedCredentials
from neo4j_mcp_client.decoding import from_json
from neo4j_mcp_client.errors import ConfigurationError

DEFAULT = "default"
"""The profile that commands use by default."""

_APPLICATION = "neo4j-mcp"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_LOG_IN = "Log in: pulumi stack output --json | neo4j-mcp login --outputs - --client <name>"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The addresses and credentials of one client of one stack.

    Attributes:
        name: the profile's name.
        secret_arn: the ARN of the client's secret in Secrets Manager.
        credentials: the credentials themselves, or None if Secrets Manager has them.
        aws_profile: the AWS profile that may read the secret; defaults to boto3's default.
        aws_endpoint_url: another address of AWS; defaults to boto3's own.
        ca_bundle: certificate authorities to trust, in PEM form.
        neo4j_uri: the database's address, for the doctor.
        outputs: the stack's outputs; none of them is secret.
    """

    name: str
    secret_arn: str | None = None
    credentials: ClientCredentials | None = field(default=None, repr=False)
    aws_profile: str | None = None
    aws_endpoint_url: str | None = None
    ca_bundle: str | None = None
    neo4j_uri: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def source(self) -> CredentialsSource:
        """Create the source of the credentials.

        Raises:
            ConfigurationError: the profile names neither, or the extra `aws` isn't installed.
        """
        if self.credentials is not None:
            return FixedCredentials(self.credentials)
        if self.secret_arn is None:
            raise ConfigurationError(
                f"The profile {self.name} has no client's secret.", remedy=_LOG_IN
            )
        # Imported late: boto3 takes most of a second, and is an extra.
        from neo4j_mcp_client.secrets_manager import SecretsManagerSource  # noqa: PLC0415

        return SecretsManagerSource(
            self.secret_arn, endpoint_url=self.aws_endpoint_url, profile=self.aws_profile
        )

    def to_json(self) -> str:
        """Write the profile as its file holds it."""
        document = {
            "secretArn": self.secret_arn,
            "credentials": self.credentials and json.loads(self.credentials.to_json()),
            "awsProfile": self.aws_profile,
            "awsEndpointUrl": self.aws_endpoint_url,
            "caBundle": self.ca_bundle,
            "neo4jUri": self.neo4j_uri,
            "outputs": dict(self.outputs),
        }
        return json.dumps({key: value for key, value in document.items() if value}, indent=2)

    @classmethod
    def from_json(cls, name: str, text: str) -> Self:
        """Read a profile's file.

        Raises:
            ConfigurationError: it is damaged.
        """
        try:
            document = from_json(text)
        except ValueError:
            document = None
        if not _is_profile(document):
            raise ConfigurationError(
                f"The profile {name} is damaged.",
                remedy=f"Delete it with `neo4j-mcp logout --profile {name}`, and log in again.",
            )
        credentials = document.get("credentials")
        return cls(
            name=name,
            secret_arn=document.get("secretArn"),
            credentials=credentials and ClientCredentials.from_json(json.dumps(credentials)),
            aws_profile=document.get("awsProfile"),
            aws_endpoint_url=document.get("awsEndpointUrl"),
            ca_bundle=document.get("caBundle"),
            neo4j_uri=document.get("neo4jUri"),
            outputs=document.get("outputs", {}),
        )


def _is_profile(document: Any) -> bool:  # noqa: ANN401 - any JSON
    if not isinstance(document, dict):
        return False
    texts = ("secretArn", "awsProfile", "awsEndpointUrl", "caBundle", "neo4jUri")
    objects = ("credentials", "outputs")
    return all(isinstance(document.get(name, ""), str) for name in texts) and all(
        isinstance(document.get(name, {}), dict) for name in objects
    )


class Profiles:
    """A person's profiles on this machine, a file each."""

    def __init__(self, folder: Path | None = None, cache: Path | None = None) -> None:
        """Set the folders; they are created when something is saved.

        Args:
            folder: the profiles; defaults to the platform's configuration folder.
            cache: the tokens; defaults to the platform's cache folder.
        """
        self._folder = folder or user_config_path(_APPLICATION) / "profiles"
        self._cache = cache or user_cache_path(_APPLICATION) / "tokens"
        self.known_servers = self._cache.with_name("servers")
        """The folder with the tools of known servers."""

    def names(self) -> list[str]:
        """List the names of the profiles.

        Returns:
            The names, in alphabetical order.

        Raises:
            ConfigurationError: their folder can't be read.
        """
        try:
            return sorted(path.stem for path in self._folder.iterdir() if path.suffix == ".json")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise private_files.unusable(self._folder, error) from error

    def load(self, name: str) -> Profile:
        """Read a profile.

        Raises:
            ConfigurationError: the profile doesn't exist, is damaged, or is readable by others.
        """
        text = private_files.read(self._file(name))
        if text is None:
            known = ", ".join(self.names())
            raise ConfigurationError(
                f"There is no profile {name}." + (f" Existing profiles: {known}." if known else ""),
                remedy=_LOG_IN,
            )
        return Profile.from_json(name, text)

    def save(self, profile: Profile) -> Path:
        """Save a profile, replacing one of the same name.

        Raises:
            ConfigurationError: it can't be written.
        """
        path = self._file(profile.name)
        private_files.replace(path, profile.to_json())
        return path

    def remove(self, name: str) -> None:
        """Delete a profile and its cached tokens.

        Raises:
            ConfigurationError: there is no such profile.
        """
        if not private_files.remove(self._file(name)):
            raise ConfigurationError(f"There is no profile {name}.")
        self.forget_tokens(name)

    def forget_tokens(self, name: str) -> None:
        """Delete the cached tokens of a profile, if there are any."""
        private_files.remove(self.token_cache(name))

    def token_cache(self, name: str) -> Path:
        """Return the file for a profile's cached tokens, which may not exist."""
        return self._cache / f"{self._checked(name)}.json"

    def _file(self, name: str) -> Path:
        return self._folder / f"{self._checked(name)}.json"

    @staticmethod
    def _checked(name: str) -> str:
        # The name becomes a file's name.
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} isn't a valid profile name.",
                remedy="Use letters, digits, hyphens and underscores.",
            )
        return name
