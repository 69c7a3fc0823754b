"""Reads credentials from AWS Secrets Manager, again after a rotation."""

import threading
from typing import Any

from neo4j_mcp_client.credentials import ClientCredentials
from neo4j_mcp_client.errors import ConfigurationError, SecretStoreError
from neo4j_mcp_client.forks import on_fork

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        ProfileNotFound,
        SSOError,
        TokenRetrievalError,
    )
except ImportError as error:
    raise ConfigurationError(
        "Reading a secret from Secrets Manager needs boto3.",
        remedy="Run: pip install 'neo4j-mcp-client[aws]'",
    ) from error

_TIMEOUT = 10
_REMEDIES = {
    "AccessDeniedException": "Allow this identity secretsmanager:GetSecretValue on the secret.",
    "ResourceNotFoundException": "Compare the ARN with the stack's output `clients`.",
    "InvalidRequestException": "The secret may be scheduled for deletion: see `aws secretsmanager"
    " describe-secret`.",
    "UnrecognizedClientException": "Check the AWS credentials of this shell: `aws sts"
    " get-caller-identity`.",
}
_SESSION_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})


class SecretsManagerSource:
    """A source of credentials in Secrets Manager."""

    def __init__(
        self,
        arn: str,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        profile: str | None = None,
        session: Any = None,  # noqa: ANN401 - a boto3.Session; boto3 publishes no types
    ) -> None:
        """Set the secret, which is read when it is needed.

        Args:
            region: the AWS region; defaults to the ARN's own.
            endpoint_url: another address of Secrets Manager; defaults to boto3's.
            profile: the AWS profile that may read the secret; defaults to boto3's default.
        """
        self.arn = arn
        self._region = region or region_of(arn)
        self._endpoint_url = endpoint_url
        self._profile = profile
        self._session = session
        self._reset_lock()
        on_fork(self._reset_lock)
        self._credentials: ClientCredentials | None = None

    def _reset_lock(self) -> None:
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Show the secret's ARN, never its value."""
        return f"{type(self).__name__}({self.arn!r})"

    def current(self) -> ClientCredentials:
        """Return the credentials; the first call reads them.

        Raises:
            SecretStoreError: the secret can't be read.
            ConfigurationError: it doesn't contain a client's credentials.
        """
        with self._lock:
            if self._credentials is None:
                self._credentials = self._read()
            return self._credentials

    def refresh(self) -> bool:
        """Read the secret again.

        Raises:
            SecretStoreError: the secret can't be read.
            ConfigurationError: it doesn't contain a client's credentials.
        """
        with self._lock:
            before = self._credentials
            self._credentials = self._read()
            return self._credentials != before

    def _log_in(self) -> str:
        profile = f" --profile {self._profile}" if self._profile else ""
        return f"Renew the AWS session: `aws sso login{profile}`."

    def _read(self) -> ClientCredentials:
        try:
            session = self._session or boto3.Session(profile_name=self._profile)
            client = session.client(
                "secretsmanager",
                region_name=self._region,
                endpoint_url=self._endpoint_url,
                config=Config(connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT),
            )
            try:
                text = client.get_secret_value(SecretId=self.arn).get("SecretString", "")
            finally:
                client.close()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            raise SecretStoreError(
                f"Secrets Manager rejects the request for {self.arn}: {error}",
                remedy=self._log_in() if code in _SESSION_EXPIRED else _REMEDIES.get(code),
            ) from error
        except (SSOError, TokenRetrievalError) as error:
            raise SecretStoreError(
                f"{self.arn} can't be read because the AWS session has expired: {error}",
                remedy=self._log_in(),
            ) from error
        except (NoCredentialsError, ProfileNotFound) as error:
            raise SecretStoreError(
                f"{self.arn} can't be read: {error}",
                remedy="Log in to AWS with `aws sso login` or `aws configure`. Save the AWS profile"
                " with `neo4j-mcp login --aws-profile <name>`.",
            ) from error
        except (BotoCoreError, ValueError) as error:
            raise SecretStoreError(f"{self.arn} can't be read: {error}") from error
        return ClientCredentials.from_json(text)


def region_of(arn: str) -> str | None:
    """Take the region out of an ARN.

    Args:
        arn: ``arn:partition:service:region:account:…``.

    Returns:
        The region, or None if this isn't an ARN or has no region.
    """
    fields = arn.split(":")
    if fields[0] != "arn" or len(fields) < 6:  # noqa: PLR2004 - an ARN's six parts
        return None
    return fields[3] or None
