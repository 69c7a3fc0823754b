"""Tokens in a file that several processes of one person share, and nobody else can read."""

import json
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neo4j_mcp_client.access_token import AccessToken
from neo4j_mcp_client.errors import ConfigurationError, TokenCacheError

try:
    from filelock import FileLock, Timeout
except ImportError as error:
    raise ConfigurationError(
        "A token cache that processes share needs filelock.",
        remedy="Run: pip install 'neo4j-mcp-client[cache]'",
    ) from error

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


class FileTokenCache:
    """A cache in one file, for all clients of a person on one machine."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Name the file; it is made when there is a token to keep.

        Args:
            path: the file, in a folder that is its owner's alone. The folder is made where it is
                missing; one that others can enter is refused.
        """
        self._path = Path(path)

    def __repr__(self) -> str:
        """Name the file."""
        return f"{type(self).__name__}({str(self._path)!r})"

    def get(self, key: str) -> AccessToken | None:
        """Give the token that is kept.

        Args:
            key: whose token.

        Returns:
            The token, however old; None where there is none.

        Raises:
            TokenCacheError: the file is another person's, or others can read it.
        """
        return _token(self._read().get(key))

    def put(self, key: str, token: AccessToken) -> None:
        """Keep a token, and forget those that have expired.

        Args:
            key: whose token.
            token: the token.

        Raises:
            TokenCacheError: the file can't be written.
        """
        now = time.time()
        entries = {
            name: entry
            for name, entry in self._read().items()
            if (kept := _token(entry)) is not None and kept.expires_at > now
        }
        entries[key] = {
            "value": token.value,
            "expiresAt": token.expires_at,
            "lifetime": token.lifetime,
        }
        self._replace(json.dumps(entries))

    @contextmanager
    def lock(self, timeout: float) -> Iterator[None]:
        """Keep the other processes from taking a token.

        Args:
            timeout: seconds to wait for them.

        Yields:
            Nothing.

        Raises:
            TokenCacheError: they didn't end in time, or the folder can't be used.
        """
        self._prepare_folder()
        # A new lock object for each use: filelock's own are re-entrant, and would let in the
        # threads of this process side by side.
        lock = FileLock(f"{self._path}.lock", mode=_FILE_MODE)
        try:
            lock.acquire(timeout=timeout)
        except Timeout as error:
            raise TokenCacheError(
                f"Another process has held {lock.lock_file} for {timeout:.0f} s."
            ) from error
        except OSError as error:
            raise self._unusable(error) from error
        try:
            yield
        finally:
            lock.release()

    def _prepare_folder(self) -> None:
        folder = self._path.parent
        try:
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            _refuse_unless_private(folder, folder.stat(), f"chmod 700 {folder}")
        except OSError as error:
            raise self._unusable(error) from error

    def _read(self) -> dict[str, Any]:
        try:
            # Not through a link: it could lead to a file that somebody else prepared.
            descriptor = os.open(self._path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unusable(error) from error
        with os.fdopen(descriptor, encoding="utf-8") as file:
            _refuse_unless_private(self._path, os.fstat(descriptor), f"rm {self._path}")
            try:
                document = json.load(file)
            except ValueError:
                # Whatever it is, it is a cache: the next token replaces it.
                return {}
        return document if isinstance(document, dict) else {}

    def _replace(self, text: str) -> None:
        self._prepare_folder()
        new = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                new.replace(self._path)
            finally:
                new.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> TokenCacheError:
        return TokenCacheError(
            f"The token cache {self._path} can't be used: {error.strerror or error}.",
            remedy="Name a file in a folder of your own.",
        )


def _token(entry: Any) -> AccessToken | None:  # noqa: ANN401 - whatever the file holds
    try:
        return AccessToken(
            value=str(entry["value"]),
            expires_at=float(entry["expiresAt"]),
            lifetime=float(entry["lifetime"]),
        )
    except (KeyError, TypeError, ValueError):
        return None


def _refuse_unless_private(path: Path, found: os.stat_result, remedy: str) -> None:
    # Elsewhere a person's own folders are guarded by access lists, which modes don't show.
    if os.name != "posix":
        return
    if found.st_uid != os.getuid():
        raise TokenCacheError(f"{path} belongs to another user.", remedy=f"Run: {remedy}")
    if found.st_mode & _OTHERS:
        raise TokenCacheError(
            f"Others can read {path} (mode {stat.S_IMODE(found.st_mode):04o}).",
            remedy=f"Run: {remedy}",
        )
