"""A token cache in a private file, shared by the processes of one user."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neo4j_mcp_client import private_files
from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.decoding import from_json
from neo4j_mcp_client.errors import ConfigurationError

try:
    from filelock import FileLock, Timeout
except ImportError as error:
    raise ConfigurationError(
        "FileTokenCache needs filelock.",
        remedy="Run: pip install 'neo4j-mcp-client[cache]'",
    ) from error


class FileTokenCache:
    """A cache in one file, for all clients of a user on one machine."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Name the file; it is made when there is a token to keep."""
        self._path = Path(path)

    def __repr__(self) -> str:
        """Show the file."""
        return f"{type(self).__name__}({str(self._path)!r})"

    def get(self, key: str) -> AccessToken | None:
        """Return the cached token.

        Returns:
            The token, however old, or None if there is none.

        Raises:
            ConfigurationError: the file belongs to another user, or others can read it.
        """
        return _token(self._entries().get(key))

    def put(self, key: str, token: AccessToken) -> None:
        """Save a token, and remove expired ones.

        Raises:
            ConfigurationError: the file can't be written.
        """
        now = time.time()
        entries = {
            name: entry
            for name, entry in self._entries().items()
            if (kept := _token(entry)) is not None and kept.expires_at > now
        }
        entries[key] = {
            "value": token.value,
            "expiresAt": token.expires_at,
            "lifetime": token.lifetime,
        }
        private_files.replace(self._path, json.dumps(entries))

    @contextmanager
    def lock(self, timeout: float) -> Iterator[None]:
        """Keep other processes from requesting a token.

        Args:
            timeout: seconds to wait for them.

        Raises:
            ConfigurationError: another process held the lock for longer, or the folder is unusable.
        """
        private_files.prepare_folder(self._path.parent)
        lock = FileLock(f"{self._path}.lock", mode=private_files.FILE_MODE)
        try:
            lock.acquire(timeout=timeout)
        except Timeout as error:
            raise ConfigurationError(
                f"Another process has held {lock.lock_file} for {timeout:.0f} s.",
                remedy="Find the process with `fuser`, and wait for it or end it.",
            ) from error
        except OSError as error:
            raise private_files.unusable(Path(lock.lock_file), error) from error
        except NotImplementedError as error:
            raise ConfigurationError(
                f"{lock.lock_file} can't be locked: this file system doesn't support locks.",
                remedy="Put the token cache on a local disk.",
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _entries(self) -> dict[str, Any]:
        try:
            entries = from_json(private_files.read(self._path) or "{}")
        except ValueError:
            # A damaged cache is empty; the next token replaces it.
            return {}
        return entries if isinstance(entries, dict) else {}


def _token(entry: Any) -> AccessToken | None:  # noqa: ANN401 - whatever the file holds
    try:
        return AccessToken(
            value=str(entry["value"]),
            expires_at=float(entry["expiresAt"]),
            lifetime=float(entry["lifetime"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
