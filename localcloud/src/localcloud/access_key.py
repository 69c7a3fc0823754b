"""The access key of the stand-in's AWS account, in the file format of AWS's own tools.

Every request to the AWS endpoint is signed with it: whoever can read the file can use the
stand-in, and nobody else can.
"""

import configparser
import io
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from localcloud.errors import LocalCloudError
from localcloud.files import write_atomically

_PROFILE: Final = "default"
_ID_PREFIX: Final = "AKIA"
_ID_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ID_LENGTH: Final = 16
_SECRET_BYTES: Final = 30


def credentials_environment(credentials: Path) -> dict[str, str]:
    """Return the variables that point AWS's tools to a credentials file, and to nothing else.

    They name the file, so the key itself appears in no output.
    """
    return {
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_PROFILE": _PROFILE,
        # Set but empty, which AWS's tools treat as unset, whatever the shell had set.
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
        "AWS_SESSION_TOKEN": "",
    }


class AccessKeyError(LocalCloudError, ValueError):
    """A credentials file holds no access key."""


@dataclass(frozen=True, kw_only=True)
class AccessKey:
    """An access key as AWS issues it.

    Attributes:
        key_id: the access key id, which each request names.
        secret: the secret access key, which signs requests and is never sent.
    """

    key_id: str
    secret: str = field(repr=False)

    @classmethod
    def generate(cls) -> Self:
        """Generate a random key."""
        return cls(
            key_id=_ID_PREFIX + "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH)),
            secret=secrets.token_urlsafe(_SECRET_BYTES),
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the key of the default profile from an AWS shared credentials file.

        Raises:
            OSError: the file can't be read.
            AccessKeyError: it holds no key.
        """
        # AWS's tools expand nothing in these files, and a secret may hold any character.
        file = configparser.ConfigParser(interpolation=None)
        try:
            file.read_string(path.read_text(encoding="utf-8"))
            profile = file[_PROFILE]
            return cls(key_id=profile["aws_access_key_id"], secret=profile["aws_secret_access_key"])
        except (configparser.Error, KeyError):
            # The parser's own error would show the line, and so the secret.
            raise AccessKeyError(
                f"{path} holds no access key: delete it, and start again"
            ) from None

    @classmethod
    def load_or_create(cls, path: Path) -> Self:
        """Read the key, or generate it on the first start into a file that only its owner can read.

        Raises:
            OSError: the file can't be read or written.
            AccessKeyError: it holds no key.
        """
        try:
            return cls.load(path)
        except FileNotFoundError:
            key = cls.generate()
            write_atomically(path, key.credentials_file(), mode=0o600)
            return key

    def credentials_file(self) -> str:
        """Format the key as an AWS shared credentials file with a default profile."""
        file = configparser.ConfigParser(interpolation=None)
        file[_PROFILE] = {
            "aws_access_key_id": self.key_id,
            "aws_secret_access_key": self.secret,
        }
        text = io.StringIO()
        file.write(text)
        return text.getvalue()
