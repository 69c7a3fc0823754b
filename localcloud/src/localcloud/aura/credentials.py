"""The instance's administrator, with a random password made before the first start."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from localcloud.files import write_atomically

USERNAME: Final = "neo4j"
_ITERATIONS: Final = 1024
_SALT_BYTES: Final = 32
_PASSWORD_BYTES: Final = 24


@dataclass(frozen=True)
class Credentials:
    """The user name and password of a database user."""

    username: str
    password: str = field(repr=False)


def load_or_create(path: Path) -> Credentials:
    """Load the administrator's credentials, or create their file, readable by its owner only.

    Raises:
        OSError: the file can't be read or written.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(document["username"], document["password"])
    except FileNotFoundError:
        pass
    credentials = Credentials(USERNAME, secrets.token_urlsafe(_PASSWORD_BYTES))
    document = {"username": credentials.username, "password": credentials.password}
    write_atomically(path, json.dumps(document), mode=0o600)
    return credentials


def initial_user(credentials: Credentials, salt: bytes | None = None) -> str:
    """Return the content of data/dbms/auth.ini, the user that Neo4j creates at its first start.

    The format is that of `neo4j-admin dbms set-initial-password`, which takes the password only on
    its command line.

    Args:
        credentials: the user.
        salt: random by default.
    """
    salt = salt or secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.sha256(salt + credentials.password.encode()).digest()
    for _ in range(_ITERATIONS - 1):
        digest = hashlib.sha256(digest).digest()
    return f"{credentials.username}:SHA-256,{digest.hex()},{salt.hex()},{_ITERATIONS}:\n"
